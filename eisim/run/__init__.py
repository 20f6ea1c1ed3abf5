"""What can be run, by name or from a file, and the results that are kept."""
