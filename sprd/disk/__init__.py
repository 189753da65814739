"""Files that are there whole or not at all; what may be computed again, and lines that stay."""
