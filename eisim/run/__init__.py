"""What can be run, by name or from a file, and what is kept of it."""
