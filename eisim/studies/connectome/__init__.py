"""A connectome intact and without parts of its inhibition: what its readouts do, and which neurons change that."""
