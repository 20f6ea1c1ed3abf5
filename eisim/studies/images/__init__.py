"""Images: what networks make of them under sign constraints, and what the number of inputs changes."""
