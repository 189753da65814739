"""A sweep file in, frozen types out: the only reader of sweep files."""
