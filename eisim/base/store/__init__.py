"""Storage between runs: compiled programs, checkpoints and locks; and safe reading of files."""
