"""Features in, an int8 model out."""
