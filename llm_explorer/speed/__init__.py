"""How long a step takes, told before it runs. calibrate.py and refine.py need torch: only the child imports them."""
