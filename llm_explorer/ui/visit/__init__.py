"""What a visitor has set: the config in widgets and address, history, pins."""
