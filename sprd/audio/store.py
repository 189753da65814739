"""Corpus in, features out: computed once, kept on disk, mapped into memory by every trial.

One folder a split, named by what its numbers depend on: clips and their split, front end and,
for training, the ladder of variants. Keywords are not among it: labels are given when it is read.
Only where others talk behind the clips, who say none, or halves of keywords are heard, they are.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sprd.audio.build import CHUNK, Builder, builder
from sprd.audio.corpus import Corpus, split_digest
from sprd.audio.maker import StoreSpec, Unvaried, names_of
from sprd.audio.scene import FORMAT as SCENES
from sprd.audio.scene import makes_scenes
from sprd.audio.split import Clip, Split
from sprd.config.frontend import FEATURE_DENOMINATOR, FEATURE_NUMERATOR
from sprd.config.frozen import replaced
from sprd.config.labels import SILENCE_LABEL, UNKNOWN_LABEL
from sprd.config.trial import AugmentSection, Config, FeaturesSection
from sprd.disk.cache import asked_for, keep, kept_folder, read_kept
from sprd.disk.process import Progress

KIND = "features"
"""Folder of the cache; what is told to whoever watches."""

FORMAT = 1
"""Part of every store's name: raise it when the same settings give other numbers."""

AT_BATCH_TIME = ("time_mask_frames", "channel_mask_channels")
"""Augmentation that no stored number depends on: it is applied to batches."""

N_SILENCE = {Split.TRAINING: 400, Split.VALIDATION: 80, Split.TESTING: 80}
"""`_silence_` clips of a split."""

FEATURE_SCALE = FEATURE_NUMERATOR / FEATURE_DENOMINATOR
"""Features are the micro front end's integers times this."""


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
    spec = store_spec(corpus, config, split)
    return read_kept(
        lambda: make_stores([spec], progress)[0], lambda folder: _open(folder, config.features)
    )


def make_stores(specs: Sequence[StoreSpec], progress: Progress | None = None) -> list[Path]:
    """Computes the stores that are not on this machine yet, on all cores.

    Args:
        specs: What to make, in this order.
        progress: Called with ("features", waveforms computed, waveforms in all).

    Returns:
        The folder of each.

    Raises:
        DataError: A clip cannot be read.
        OutputError: The cache cannot be written.
        ConfigError: The cache is bounded to less than such a store takes.
    """
    names = [store_key(spec) for spec in specs]
    missing = [
        spec
        for name, spec in zip(names, specs, strict=True)
        if not kept_folder(KIND, name).exists()
    ]
    for name in names:
        asked_for(kept_folder(KIND, name))  # making the first must not push out the last
    done, total = 0, sum(spec.n_waveforms for spec in missing)

    def moved(n: int) -> None:
        nonlocal done
        done = min(done + n, total)  # what another process deletes meanwhile is made twice
        if progress:
            progress(KIND, done, total)

    with builder(specs, moved) as build:
        folders = [
            keep(KIND, name, spec.n_bytes, partial(_fill, build, number, spec))
            for number, (name, spec) in enumerate(zip(names, specs, strict=True))
        ]
    if done < total:  # another process made the rest
        moved(total)
    return folders


def store_spec(corpus: Corpus, config: Config, split: Split) -> StoreSpec:
    """Returns what the numbers of a split depend on, for one configuration.

    Keywords are among it only where none may talk behind a clip, or half of one is heard.
    """
    config = without_missing_cuts(config, corpus)
    return StoreSpec(
        corpus=replace(corpus, clips=corpus.of(split)),
        splits=split_digest(corpus),
        split=split,
        features=config.features,
        augment=config.augment,
        keywords=config.data.keywords if uses_keywords(config.augment) else (),
        n_silence=N_SILENCE[split],
    )


def misses_cuts(augment: AugmentSection, corpus: Corpus) -> bool:
    """Tells whether cuts of speech are asked for, and no training reader speaks."""
    is_there = any(one.split is Split.TRAINING for one in corpus.speech)
    return augment.speech_cuts > 0 and not is_there


def without_missing_cuts(config: Config, corpus: Corpus) -> Config:
    """Returns a configuration with no cuts of speech where no training reader speaks."""
    if not misses_cuts(config.augment, corpus):
        return config
    return replaced(config, augment=replaced(config.augment, speech_cuts=0))


def uses_keywords(augment: AugmentSection) -> bool:
    """Tells whether what is stored of training depends on which words are keywords."""
    return bool(augment.babble_frequency or augment.partial_words)


def compute_features(
    clips: Sequence[Clip], heard: Unvaried, n_silence: int, progress: Progress | None = None
) -> Features:
    """Computes the features of single clips in memory, unvaried, `n_silence` silence clips last."""
    from sprd.audio.frontend import FrontEnd

    front_end = FrontEnd(heard.features, heard.layout.n_context)
    n_items = len(clips) + n_silence

    def waveform(item: int) -> NDArray[np.int16]:
        return heard.clip(clips[item]) if item < len(clips) else heard.silence(item - len(clips))

    parts = []
    for start in range(0, n_items, CHUNK):
        items = range(start, min(start + CHUNK, n_items))
        parts.append(front_end.compute(np.stack([waveform(item) for item in items])))
        if progress:
            progress("features", items.stop, n_items)
    return Features(
        raw=np.concatenate(parts)[:, None],
        scale=scale_of(heard.features),
        words=(*(clip.word for clip in clips), *[SILENCE_LABEL] * n_silence),
        speakers=(*(clip.speaker for clip in clips), *(f"silence {i}" for i in range(n_silence))),
    )


def scale_of(features: FeaturesSection) -> float:
    """Returns the factor from stored numbers to what the model sees."""
    return FEATURE_SCALE if features.preprocess == "micro" else 1.0


def store_key(spec: StoreSpec) -> str:
    """Returns the name of a store: a hash of all that its numbers depend on."""
    is_varied = spec.split is Split.TRAINING
    what: dict[str, object] = {
        "format": FORMAT,
        "corpus": spec.corpus.fingerprint,
        "splits": spec.splits,
        "split": spec.split.value,
        "n_silence": spec.n_silence,
        "features": spec.features.model_dump(),
        "augment": _ladder(spec.augment, spec.keywords) if is_varied else None,
    }
    if spec.layout:
        dealt = [f"{one.key} {one.split}" for one in spec.corpus.noises]
        speech = [f"{one.key} {one.seconds}" for one in spec.speech] if spec.n_cuts else []
        context = spec.layout.n_context
        what["scene"] = [SCENES, context, dealt, speech]
    elif makes_scenes(spec.augment):  # of these splits, silence alone
        what["noise"] = [f"{one.key} {one.split}" for one in spec.corpus.noises]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:32]


def _ladder(augment: AugmentSection, keywords: Sequence[str]) -> dict[str, object]:
    """What decides the stored variants; masks are applied to batches."""
    settings = augment.model_dump(exclude=set(AT_BATCH_TIME))
    if not augment.babble_frequency:
        settings = {name: v for name, v in settings.items() if not name.startswith("babble_")}
    return {**settings, "keywords": sorted(keywords)} if uses_keywords(augment) else settings


def _fill(build: Builder, number: int, spec: StoreSpec, folder: Path) -> None:
    build.write(number, folder / "features.npy")
    words, speakers = zip(*names_of(spec), strict=True)
    index = {"words": words, "speakers": speakers}
    (folder / "clips.json").write_text(json.dumps(index), encoding="utf-8")


def _open(folder: Path, features: FeaturesSection) -> Features:
    index = json.loads((folder / "clips.json").read_text(encoding="utf-8"))
    return Features(
        raw=np.load(folder / "features.npy", mmap_mode="r"),
        scale=scale_of(features),
        words=tuple(index["words"]),
        speakers=tuple(index["speakers"]),
        key=folder.name,
    )
