"""Corpus in, features out: computed once, kept on disk, mapped into memory by every trial.

One folder a split, named by what its numbers depend on: clips and their split, front end and,
for training, the ladder of variants. Keywords are not among it: labels are given when it is read.
Only where other talkers are heard behind the clips are there keywords, for they say none.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from sprd.audio.augment import Talkers, cut_silence, noise_of, vary
from sprd.audio.clips import fit_length, read_clip
from sprd.audio.corpus import Clip, Corpus, Split, read_noise, split_digest
from sprd.config import SILENCE_LABEL, UNKNOWN_LABEL, AugmentSection, Config, FeaturesSection
from sprd.folders import cache_folder, whole_folder

FORMAT = 1
"""Part of every store's name: raise it when the same settings give other numbers."""

N_SILENCE = {Split.TRAINING: 400, Split.VALIDATION: 80, Split.TESTING: 80}
"""`_silence_` clips of a split."""

FEATURE_SCALE = 10.0 / 256.0
"""Features are the micro front end's integers times this: 0 .. 26. Source: the seed's trainer."""

_CHUNK = 256

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Features:
    """The features of some clips, mapped from disk.

    `raw` is (n, n_variants, frames, channels), uint16 or float32; multiply by `scale`.
    `words` and `speakers` have n entries; `_silence_` clips have that word, and each its own
    speaker. `key` names the numbers wherever they are: the store's name, or empty for features
    made in memory.
    """

    raw: NDArray[np.generic]
    scale: float
    words: tuple[str, ...]
    speakers: tuple[str, ...]
    key: str = ""

    def labels(self, labels: Sequence[str]) -> NDArray[np.int64]:
        """Returns (n,) indices into `labels`; a word that is none of them is `_unknown_`."""
        unknown = labels.index(UNKNOWN_LABEL)
        index = {label: i for i, label in enumerate(labels)}
        return np.array([index.get(word, unknown) for word in self.words], np.int64)

    def scaled(self) -> NDArray[np.float32]:
        """Returns (n, frames * channels), float32: the first variant as the model sees it."""
        first = self.raw[:, 0].astype(np.float32) * np.float32(self.scale)
        return np.ascontiguousarray(first.reshape(len(first), -1))

    def select(self, indices: NDArray[np.int64]) -> "Features":
        """Returns the clips at `indices`, (m,), in that order, copied into memory."""
        chosen = np.asarray(indices, np.int64)
        name = hashlib.sha256(self.key.encode() + b"\0" + chosen.tobytes())
        return Features(
            raw=self.raw[chosen],
            scale=self.scale,
            words=tuple(self.words[i] for i in chosen),
            speakers=tuple(self.speakers[i] for i in chosen),
            key=name.hexdigest()[:32] if self.key else "",
        )


def open_features(
    corpus: Corpus, config: Config, split: Split, progress: Progress | None = None
) -> Features:
    """Returns the features of a split, computing them if they are not on this machine yet.

    Several processes may ask for the same: one computes, the others wait.
    """
    features, augment = config.features, config.augment
    keywords = config.data.keywords if augment.babble_frequency else ()
    folder = cache_folder() / "features" / store_key(corpus, features, augment, split, keywords)
    if not (folder / "clips.json").exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not (folder / "clips.json").exists():
                _build(folder, corpus, features, augment, split, keywords, progress)
    return _open(folder, features)


def compute_features(
    clips: Sequence[Clip],
    noise: Sequence[NDArray[np.int16]],
    features: FeaturesSection,
    n_silence: int,
    seed: int = 0,
    progress: Progress | None = None,
) -> Features:
    """Computes the features of single clips in memory, unvaried, `n_silence` silence clips last."""
    from sprd.audio.frontend import FrontEnd

    front_end = FrontEnd(features)
    n_items = len(clips) + n_silence

    def waveform(item: int) -> NDArray[np.int16]:
        if item < len(clips):
            return _read(clips[item], features)
        return cut_silence(noise, f"{seed}:{item - len(clips)}", 0, features.n_samples)

    parts = []
    for start in range(0, n_items, _CHUNK):
        items = range(start, min(start + _CHUNK, n_items))
        parts.append(front_end.compute(np.stack([waveform(item) for item in items])))
        if progress:
            progress("features", items.stop, n_items)
    return Features(
        raw=np.concatenate(parts)[:, None],
        scale=scale_of(features),
        words=(*(clip.word for clip in clips), *[SILENCE_LABEL] * n_silence),
        speakers=(*(clip.speaker for clip in clips), *(f"silence {i}" for i in range(n_silence))),
    )


def raw_dtype(features: FeaturesSection) -> np.dtype[np.generic]:
    """Returns the type in which features are stored: the micro front end gives integers."""
    return np.dtype(np.uint16 if features.preprocess == "micro" else np.float32)


def scale_of(features: FeaturesSection) -> float:
    """Returns the factor from stored numbers to what the model sees."""
    return FEATURE_SCALE if features.preprocess == "micro" else 1.0


def store_key(
    corpus: Corpus,
    features: FeaturesSection,
    augment: AugmentSection,
    split: Split,
    keywords: Sequence[str] = (),
) -> str:
    """Returns the name of a store: a hash of all that its numbers depend on.

    `keywords` count only where `augment.babble_frequency` is above 0.
    """
    what = {
        "format": FORMAT,
        "corpus": corpus.fingerprint,
        "splits": split_digest(corpus),
        "split": split.value,
        "n_silence": N_SILENCE[split],
        "features": features.model_dump(),
        "augment": _ladder(augment, keywords) if split is Split.TRAINING else None,
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:32]


def _ladder(augment: AugmentSection, keywords: Sequence[str]) -> dict[str, object]:
    """What decides the stored variants; masks are applied to batches."""
    settings = augment.model_dump(exclude={"time_mask_frames", "channel_mask_channels"})
    if augment.babble_frequency:
        return {**settings, "keywords": sorted(keywords)}
    return {name: value for name, value in settings.items() if not name.startswith("babble_")}


def _build(
    folder: Path,
    corpus: Corpus,
    features: FeaturesSection,
    augment: AugmentSection,
    split: Split,
    keywords: Sequence[str],
    progress: Progress | None,
) -> None:
    from sprd.audio.frontend import FrontEnd

    clips = corpus.of(split)
    noise = noise_of(read_noise(corpus, features.sample_rate_hz), features.n_samples, split)
    n_variants = augment.n_variants if split is Split.TRAINING else 1
    n_items = len(clips) + N_SILENCE[split]
    front_end = FrontEnd(features)
    talkers = Talkers(clips, keywords, lambda clip: _read(clip, features))
    per_chunk = max(1, _CHUNK // n_variants)
    with whole_folder(folder) as temporary:
        raw = np.lib.format.open_memmap(
            temporary / "features.npy",
            mode="w+",
            dtype=raw_dtype(features),
            shape=(n_items, n_variants, *features.shape),
        )
        _take_room(temporary / "features.npy")

        def variants(item: int) -> list[NDArray[np.int16]]:
            if item >= len(clips):
                keys = [(f"{split}:{item - len(clips)}", v) for v in range(n_variants)]
                return [cut_silence(noise, key, v, features.n_samples) for key, v in keys]
            clip = _read(clips[item], features)
            if split is not Split.TRAINING:
                return [clip]
            key, rate = clips[item].key, features.sample_rate_hz
            behind = [talkers.behind(clips[item], v, augment) for v in range(n_variants)]
            return [vary(clip, key, v, augment, noise, rate, b) for v, b in enumerate(behind)]

        with ThreadPoolExecutor(2) as readers:
            for start in range(0, n_items, per_chunk):
                items = range(start, min(start + per_chunk, n_items))
                waveforms = [w for varied in readers.map(variants, items) for w in varied]
                computed = front_end.compute(np.stack(waveforms))
                raw[start : items.stop] = computed.reshape(len(items), *raw.shape[1:])
                if progress:
                    progress(f"features of {split.value} clips", items.stop, n_items)
        raw.flush()
        index = {
            "words": [*(clip.word for clip in clips), *[SILENCE_LABEL] * N_SILENCE[split]],
            "speakers": [
                *(clip.speaker for clip in clips),
                *(f"silence {i}" for i in range(N_SILENCE[split])),
            ],
        }
        (temporary / "clips.json").write_text(json.dumps(index), encoding="utf-8")


def _take_room(path: Path) -> None:
    """Gives a file its blocks: on a full disk a mapped file without them ends the process."""
    with path.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def _open(folder: Path, features: FeaturesSection) -> Features:
    index = json.loads((folder / "clips.json").read_text(encoding="utf-8"))
    return Features(
        raw=np.load(folder / "features.npy", mmap_mode="r"),
        scale=scale_of(features),
        words=tuple(index["words"]),
        speakers=tuple(index["speakers"]),
        key=folder.name,
    )


def _read(clip: Clip, features: FeaturesSection) -> NDArray[np.int16]:
    return fit_length(read_clip(clip.path, features.sample_rate_hz), features.n_samples)
