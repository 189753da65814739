"""A corpus in, audio as a device hears it all day out: written once, mapped from disk.

Keywords said one after the other in a silent room and in noise, and what is no keyword: running
speech, other words, noise. What lies in a stream is in `stream_sets.py`.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sprd.audio.corpus import Corpus
from sprd.audio.split import Split
from sprd.audio.stream_sets import WHOLE, Lengths, Material, Piece, Said, StreamSet, Written
from sprd.audio.stream_sets import sets_of as sets_of
from sprd.config.trial import DataSection
from sprd.disk.cache import asked_for, keep, kept_folder, read_kept
from sprd.disk.process import Progress

__all__ = ["WHOLE", "Lengths", "Material", "Piece", "Said", "Stream", "open_streams"]

KIND = "streams"
"""Folder of the cache; what is told to whoever watches."""

_INDEX = "streams.json"


@dataclass(frozen=True)
class Stream:
    """Audio of one material, at most twenty minutes.

    `samples` is (n,), int16, mapped from disk; `key` names them wherever they are. `said` holds the
    keywords in it, sorted by time, `pieces` which recording lies where. `snr_db` is the loudness of
    each word over that of the noise behind it; None without noise. `is_synthetic`: voices of a
    synthesizer speak, so that false accepts rank models and tell no rate.
    """

    name: str
    material: Material
    snr_db: float | None
    rate_hz: int
    samples: NDArray[np.int16] = field(repr=False)
    said: tuple[Said, ...] = field(repr=False)
    pieces: tuple[Piece, ...] = field(repr=False)
    seed: int
    key: str
    is_synthetic: bool = False

    @property
    def hours(self) -> float:
        """Its length."""
        return len(self.samples) / self.rate_hz / 3600


def open_streams(
    corpus: Corpus,
    data: DataSection,
    split: Split,
    seed: int,
    rate_hz: int = 16_000,
    lengths: Lengths = WHOLE,
    progress: Progress | None = None,
) -> tuple[Stream, ...]:
    """Returns the streams of a split, writing those that are not on this machine yet.

    They depend on nothing but the arguments: every model of a sweep hears the same.

    Args:
        corpus: Clips, running speech and noise.
        data: Says which words are keywords.
        split: Whose speakers and recordings are heard.
        seed: Order, time between words, and noise; running speech and noise alone are the same for
            all.
        rate_hz: Of the audio.
        lengths: At most, a material.
        progress: Called with ("streams", sets done, sets in all) where one has to be written.

    Returns:
        Keywords, running speech, other words, noise; none of what the split has not.

    Raises:
        DataError: A recording cannot be read.
        OutputError: The cache cannot be written.
    """
    return make_sets(sets_of(corpus, data, split, seed, rate_hz, lengths), progress)


def make_sets(sets: Sequence[StreamSet], progress: Progress | None = None) -> tuple[Stream, ...]:
    """Returns the streams of sets, in order, writing those that are not on this machine yet."""
    folders = {one.key: kept_folder(KIND, one.key) for one in sets}
    missing = [key for key, folder in folders.items() if not folder.exists()]
    for folder in folders.values():
        asked_for(folder)  # making the first must not push out the last
    found: list[Stream] = []
    n_done = 0
    for one in sets:
        found += read_kept(partial(_keep, one), partial(_open, one))
        if one.key in missing and progress:
            n_done += 1
            progress(KIND, n_done, len(missing))
    return tuple(found)


def n_bytes_missing(sets: Sequence[StreamSet]) -> int:
    """Returns about what the sets will take that are not on this machine yet."""
    return sum(one.n_bytes for one in sets if not kept_folder(KIND, one.key).exists())


def _keep(one: StreamSet) -> Path:
    return keep(KIND, one.key, one.n_bytes, partial(_write, one))


def _write(one: StreamSet, folder: Path) -> None:
    index = [asdict(written) for written in one.write(folder)]
    (folder / _INDEX).write_text(json.dumps(index), encoding="utf-8")


def _open(one: StreamSet, folder: Path) -> list[Stream]:
    index = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
    return [_opened(one, folder, number, _read(entry)) for number, entry in enumerate(index)]


def _read(entry: dict[str, list[list[object]]]) -> Written:
    said = tuple(Said(**one) for one in entry["said"])  # type: ignore[arg-type]
    pieces = tuple(Piece(**one) for one in entry["pieces"])  # type: ignore[arg-type]
    return Written(**{**entry, "said": said, "pieces": pieces})  # type: ignore[arg-type]


def _opened(one: StreamSet, folder: Path, number: int, written: Written) -> Stream:
    return Stream(
        name=written.name,
        material=one.material,
        snr_db=written.snr_db,
        rate_hz=one.rate_hz,
        samples=np.memmap(folder / written.file, "<i2", "r"),
        said=written.said,
        pieces=written.pieces,
        seed=one.seed,
        key=f"{one.key}-{number}",
        is_synthetic=one.is_synthetic,
    )
