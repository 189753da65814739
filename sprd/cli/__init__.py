"""argv in, text and an exit code out. Nothing above; the only room that prints."""
