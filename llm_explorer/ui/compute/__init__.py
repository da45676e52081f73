"""The page Compute."""
