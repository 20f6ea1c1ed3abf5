"""The questions, one per file; each runs as a script and as ``python -m eisim run NAME``."""
