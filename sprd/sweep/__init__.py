"""A sweep file in, the trials that were run out: many trials under one budget."""
