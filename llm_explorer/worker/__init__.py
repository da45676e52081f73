"""Work that needs torch, done in child processes: the server starts, limits and ends them, and imports no torch."""
