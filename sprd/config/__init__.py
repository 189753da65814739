"""A sweep file in, frozen types and the seeds of what is drawn out: the only reader of sweep files.

Seeds (`seeds`) are here since what is drawn must follow from the file alone; they need none of it.
"""
