"""The computed tier: what a GPT costs, by formula, in plain integers, without torch."""
