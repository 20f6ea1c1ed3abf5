"""What is kept between runs: compiled programs, checkpoints, locks; and files read with care."""
