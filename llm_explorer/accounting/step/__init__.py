"""One training step followed on a symbolic tape: the one description of what is alive when."""
