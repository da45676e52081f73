"""The page Explore: what a config costs, at a glance."""
