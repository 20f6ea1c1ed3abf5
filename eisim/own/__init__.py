"""The user's own work: Python files that define an experiment, a task or a circuit, and CSV files."""
