"""What every room of eisim uses: errors, units, values, files, progress."""
