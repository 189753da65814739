"""A model and a stream in, events and their statistics out."""
