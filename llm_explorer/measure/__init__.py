"""The measured tier: really built, run and timed. Only the child imports it; all but result.py needs torch."""
