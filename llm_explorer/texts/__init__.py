"""Labels and long prose, one module a page."""
