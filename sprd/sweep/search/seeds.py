"""Seeds made from seeds."""

import hashlib


def hash_seed(seed: int, number: int) -> int:
    """Returns a seed for one candidate, unrelated to its neighbours'."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{number}".encode()).digest()[:4], "big")
