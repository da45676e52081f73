"""Scripts that print the figures of the documentation, each on a quiet machine of its own."""
