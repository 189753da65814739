"""Runs a model's kernels on an emulated Cortex-M. Knows boards by the name of their core alone."""
