"""The traced tier: a real training step on tensors without memory, byte for byte what it takes on a CPU."""
