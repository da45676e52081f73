"""The lesson on pre-training."""
