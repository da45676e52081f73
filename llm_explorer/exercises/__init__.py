"""Exercises on the learner's own config: the answers are computed by the core, the usual slips are named."""
