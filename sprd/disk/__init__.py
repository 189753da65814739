"""Files that are there whole or not at all, and what a process shows, hands on and is ended by.

Of files: a rename that makes one whole (`atomic`), what may be computed again and is bounded
(`cache`), lines that stay (`jsonl`). Of the process: stderr, environment, SIGTERM, and the type of
a function that is told of progress (`process`).
"""
