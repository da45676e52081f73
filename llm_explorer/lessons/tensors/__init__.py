"""What the lesson on tensors computes."""
