"""A trained trial in, what a user keeps out: model, C++ sources, manifest."""
