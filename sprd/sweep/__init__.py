"""Many trials under one budget."""
