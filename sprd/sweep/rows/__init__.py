"""What ended: rows of a run, their table, ranking and choice."""
