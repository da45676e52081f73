"""The lesson on tensors."""
