"""Kernels that take the place of torch's on processors without instructions for bf16."""
