"""Training features in, batches out; what a step gets depends on the seed and the step alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sprd.audio.store import Features
from sprd.config.labels import NOT_KEYWORDS, SILENCE_INDEX, UNKNOWN_INDEX
from sprd.config.trial import AugmentSection, Config, DataSection

Extra = dict[str, NDArray[Any]]
"""What else a step gets, by name: only what the configuration asks for, mostly nothing.

`partners` (int32) and `weights` (float32), (steps, size): rows of the batch to mix in, and each
row's own share. `teacher` (float32), (steps, size, n_labels): the teacher's logits.
"""


class Batches:
    """Draws batches; what step s gets depends on the seed and s alone."""

    def __init__(
        self, config: Config, training: Features, teacher: NDArray[np.float32] | None = None
    ) -> None:
        n, n_variants, frames, channels = training.raw.shape
        self._rows = training.raw.reshape(n * n_variants, frames * channels)
        self._n_variants = n_variants
        self._truth = training.labels(config.labels).astype(np.int32)
        words = training.words if config.data.unknown_draw == "word" else None
        self._groups, self._shares = groups(self._truth, config.data, words)
        self._size, self._seed = config.train.batch_size, config.seed
        self._augment, self._shape = config.augment, (frames, channels)
        self._mixup_alpha, self._teacher = config.train.mixup_alpha, teacher

    def draw(self, step: int) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
        """Returns rows, labels, and (size, 4) masks: first and end frame, first and end channel."""
        rng = np.random.default_rng([self._seed, 2, step])
        group = np.searchsorted(self._shares, rng.random(self._size), side="right")
        where = rng.random(self._size)
        clips = np.empty(self._size, np.int64)
        for i, members in enumerate(self._groups):
            chosen = group == i
            clips[chosen] = members.at(where[chosen])
        rows = clips * self._n_variants + rng.integers(self._n_variants, size=self._size)
        return rows, self._truth[clips], masks(rng, self._size, self._shape, self._augment)

    def gather(
        self, start: int, stop: int
    ) -> tuple[NDArray[Any], NDArray[np.int32], NDArray[np.int32], Extra]:
        """Returns (steps, size, ...) features as stored, labels, masks and what else is asked."""
        steps = range(start, stop)
        rows, labels, blanked = zip(*(self.draw(step) for step in steps), strict=True)
        features = self._rows[np.concatenate(rows)].reshape(stop - start, self._size, -1)
        extra: Extra = {}
        if self._mixup_alpha:
            mixed = (mixing(self._seed, step, self._size, self._mixup_alpha) for step in steps)
            partners, weights = zip(*mixed, strict=True)
            extra |= {"partners": np.stack(partners), "weights": np.stack(weights)}
        if self._teacher is not None:
            extra["teacher"] = self._teacher[np.stack(rows)]
        return features, np.stack(labels), np.stack(blanked), extra


@dataclass(frozen=True)
class Group:
    """Clips that share a part of a batch: in pools of which each is drawn as often as another.

    `clips` are numbers of clips, pool by pool; `starts` and `sizes` say where a pool lies in them.
    """

    clips: NDArray[np.int64]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]

    def at(self, where: NDArray[np.float64]) -> NDArray[np.int64]:
        """Returns the clips at places of 0 .. 1."""
        place = where * len(self.starts)
        pool = place.astype(np.int64)
        within = ((place - pool) * self.sizes[pool]).astype(np.int64)
        chosen: NDArray[np.int64] = self.clips[self.starts[pool] + within]
        return chosen


def groups(
    truth: NDArray[np.int32], data: DataSection, words: Sequence[str] | None = None
) -> tuple[list[Group], NDArray[np.float64]]:
    """Keyword, silence and unknown clips, and the upper ends of their shares of a batch.

    Args:
        truth: (n,) label of each clip.
        data: The shares.
        words: (n,) word of each clip, where unknown ones are drawn evenly by word.
    """
    unknown = np.flatnonzero(truth == UNKNOWN_INDEX)
    members = [
        _pooled(np.flatnonzero(truth >= len(NOT_KEYWORDS)), None),
        _pooled(np.flatnonzero(truth == SILENCE_INDEX), None),
        _pooled(unknown, words),
    ]
    percent = [100.0, data.silence_percentage, data.unknown_percentage]
    kept = [(m, p) for m, p in zip(members, percent, strict=True) if len(m.clips) and p > 0]
    shares = np.cumsum([p for _, p in kept])
    shares = shares / shares[-1]
    shares[-1] = 1.0
    return [m for m, _ in kept], shares


def _pooled(clips: NDArray[np.int64], words: Sequence[str] | None) -> Group:
    """Returns clips in a pool for each word, or in one pool."""
    if words is None:
        return Group(clips, np.array([0]), np.array([len(clips)]))
    named = np.array([words[i] for i in clips])
    order = np.argsort(named, kind="stable")
    _, starts, sizes = np.unique(named[order], return_index=True, return_counts=True)
    return Group(clips[order], starts, sizes)


def masks(
    rng: np.random.Generator, size: int, shape: tuple[int, int], augment: AugmentSection
) -> NDArray[np.int32]:
    """Draws (size, 4) first and end frames, first and end channels to blank out (SpecAugment)."""
    drawn = np.zeros((size, 4), np.int32)
    for column, widest, length in (
        (0, augment.time_mask_frames, shape[0]),
        (2, augment.channel_mask_channels, shape[1]),
    ):
        widths = rng.integers(0, min(widest, length) + 1, size=size)
        starts = (rng.random(size) * (length - widths + 1)).astype(np.int64)
        drawn[:, column], drawn[:, column + 1] = starts, starts + widths
    return drawn


def mixing(
    seed: int, step: int, size: int, alpha: float
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Draws what a step mixes. Source: mixup, Zhang et al., arXiv:1710.09412.

    Partners are a permutation of the batch, so which of two is called the partner does not
    matter: the larger of the two shares is the row's own, and its label is that of the mixture.

    Returns:
        (size,) partners and (size,) shares of the rows themselves, 0.5 .. 1.
    """
    rng = np.random.default_rng([seed, 3, step])  # a stream of its own: batches stay as they are
    partners = rng.permutation(size).astype(np.int32)
    shares = rng.beta(alpha, alpha, size=size)
    return partners, np.maximum(shares, 1 - shares).astype(np.float32)
