"""What a person sees of a run that ended: tables, plots, a page. Reads rows, changes nothing."""
