"""Numbers that a change of the code's structure must not change.

``python -m tests.golden`` runs every case of `cases` and compares what it printed and wrote with ``expected/``, to the
bit; with names of cases behind it, these only. ``python -m tests.golden --renew`` writes ``expected/`` anew, which is
right only where a number changes on purpose. `compare` says what is compared; words are not.
"""
