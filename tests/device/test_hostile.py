"""A file that was damaged, or made to do damage, ends in one line: no crash, no hang, no flood."""

import random
import time
from pathlib import Path

import pytest

from sprd.device.board import load_board
from sprd.device.footprint import measure_untrusted
from sprd.device.graph import read_graph
from sprd.device.instructions import count_instructions
from sprd.device.int8 import check_int8
from sprd.device.latency import why_unknown
from sprd.errors import ModelFileError

N_READ, N_RUN = 3000, 12


def damaged(model: bytes, seed: int) -> bytes:
    """Returns the model with bytes flipped, cut off, repeated or set to what hurts most."""
    rng = random.Random(seed)
    data = bytearray(model)
    kind = seed % 4
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randrange(8, len(data))
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at : at + 4] = rng.choice((b"\xff\xff\xff\x7f", b"\xff" * 4, b"\0" * 4))
        elif kind == 2:
            # Tables and offsets lie at the ends, weights in between.
            at = rng.choice((rng.randrange(8, 400), rng.randrange(len(data) - 3000, len(data))))
            data[at] = rng.randrange(256)
        else:
            del data[rng.randrange(len(data) // 2, len(data)) :]
    return bytes(data)


def test_damaged_files_are_read_or_refused(tiny_conv: bytes) -> None:
    """Three thousand of them: a graph or a `ModelFileError`, each in well under a second."""
    accepted = []
    for seed in range(N_READ):
        data = damaged(tiny_conv, seed)
        start = time.monotonic()
        try:
            graph = read_graph(data, "damaged")
            check_int8(graph)
            count_instructions(graph)
            why_unknown(graph, load_board("arduino_nano_33_ble"))
            accepted.append(seed)
        except ModelFileError as error:
            assert str(error).startswith("damaged: ")
        assert time.monotonic() - start < 5, seed
    assert 100 < len(accepted) < N_READ - 100


@pytest.mark.parametrize("part", range(N_RUN))
def test_damaged_files_are_measured_or_refused(tiny_conv: bytes, tmp_path: Path, part: int) -> None:
    """What the reader lets through is run by TFLM in a process of its own."""
    path = tmp_path / "damaged.tflite"
    seed = 4 * 7919 * (part + 1) + part % 3
    path.write_bytes(damaged(tiny_conv, seed))
    try:
        found = measure_untrusted(path, load_board("arduino_nano_33_ble"))
        assert found.model_bytes == path.stat().st_size
    except ModelFileError as error:
        assert len(str(error).splitlines()) == 1
