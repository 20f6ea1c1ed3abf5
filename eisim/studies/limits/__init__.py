"""Where the theorem stops: for each of its assumptions a circuit without inhibition that breaks it (T9)."""
