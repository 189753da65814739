"""Which candidate comes next: samplers, grid, earlier runs, confirmation."""
