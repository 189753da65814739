"""Trainings side by side on Ray: the only room that imports it."""
