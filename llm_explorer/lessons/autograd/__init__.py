"""What the lesson on automatic differentiation computes."""
