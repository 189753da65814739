"""One training: measure, train, quantize, score; folds; where it comes from. No Ray."""
