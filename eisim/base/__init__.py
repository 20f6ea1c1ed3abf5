"""Shared foundations: errors, units, values, files, progress."""
