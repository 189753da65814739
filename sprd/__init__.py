"""Sweeps keyword-spotting models under a microcontroller budget and exports a firmware bundle."""

__version__ = "0.1.0"
