"""What the lesson on the parts of a config computes."""
