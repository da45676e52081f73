"""The lesson on the parts of a config."""
