"""What a user keeps: the exported winner."""
