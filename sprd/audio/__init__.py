"""Clips in, features out. Knows nothing of models, boards or sweeps."""
