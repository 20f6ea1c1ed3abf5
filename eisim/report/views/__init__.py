"""How each study's result is shown, a file for each."""
