"""Seeds and names in, random numbers that depend on them alone out: the same on every machine."""

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def hash_seed(seed: int, number: int) -> int:
    """Returns a seed of 32 bits for one of many, unrelated to its neighbours'."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{number}".encode()).digest()[:4], "big")


def generator_of(*names: object) -> "np.random.Generator":
    """Returns a generator that depends on the names alone, and on where one ends."""
    import numpy as np

    digest = hashlib.sha256("\0".join(map(str, names)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))
