"""Hostile files: valid ones are mutated, and each is either read or refused in one line, in bounded time and memory.

``python -m tests.fuzz`` takes 10,000 of them; the suite takes a few hundred (`tests.fuzz.test_fuzz`).
"""
