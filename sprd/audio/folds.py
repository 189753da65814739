"""Speakers dealt to folds, and the features that a fold trains on and is scored on.

Folds are made of the speakers of training and validation; test speakers stay out entirely. In a
personal data set it is takes that are dealt, as it is to the splits.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sprd.audio.corpus import Corpus
from sprd.audio.split import Clip, Split, dealt_as
from sprd.audio.store import Features, open_features, uses_keywords
from sprd.config.labels import UNKNOWN_LABEL
from sprd.config.trial import Config, DataSection
from sprd.disk.process import Progress
from sprd.errors import DataError

MAX_DEALS = 20
"""Orders in which speakers are dealt before the corpus is called too small."""


def deal_folds(corpus: Corpus, n_folds: int, salt: str, keywords: Sequence[str]) -> dict[str, int]:
    """Deals the speakers, or takes, of training and validation to folds.

    Speakers of the rarest label are dealt first, in the order of their salted hash, each to the
    fold that has the fewest clips of that label, of equals the fewest clips at all. So each fold
    gets nearly as many clips of each label. Where speakers are so few that a fold misses a
    keyword, they are dealt anew in other orders.

    Source: iterative stratification, Sechidis et al., "On the stratification of multi-label
    data", 2011; here a speaker with all its clips is what is dealt.

    Returns:
        The fold, 0 .. n_folds - 1, of each speaker, or of the key of each take.

    Raises:
        DataError: There are fewer speakers than folds, or a fold has no clip of a keyword.
    """
    said = _said(corpus, keywords)
    _check_number(corpus, n_folds, len(said))
    for attempt in range(MAX_DEALS):
        order = sorted(said, key=lambda speaker: _digest(f"{salt}{attempt or ''}", speaker))
        folds, dealt = _deal(said, order, n_folds)
        if all(one[keyword] for keyword in keywords for one in dealt):
            return folds
    raise _lacking(corpus, said, keywords, n_folds)


def check_folds(corpus: Corpus, data: DataSection, n_folds: int | None) -> None:
    """Checks, before anything is trained, that there are speakers enough; None asks for no folds.

    Raises:
        DataError: There are too few.
    """
    if n_folds is not None:
        deal_folds(corpus, n_folds, data.split_salt, data.keywords)


def _deal(
    said: Mapping[str, Counter[str]], order: Sequence[str], n_folds: int
) -> tuple[dict[str, int], list[Counter[str]]]:
    """Returns the fold of each speaker, and how many clips of each label each fold has."""
    n_speakers = Counter(label for counts in said.values() for label in counts)
    folds: dict[str, int] = {}
    dealt: list[Counter[str]] = [Counter() for _ in range(n_folds)]
    for label in sorted(n_speakers, key=lambda label: (n_speakers[label], label)):
        for speaker in order:
            if label in said[speaker] and speaker not in folds:
                emptiest = [(one[label], one.total(), fold) for fold, one in enumerate(dealt)]
                folds[speaker] = min(emptiest)[-1]
                dealt[folds[speaker]] += said[speaker]
    return folds, dealt


def open_fold(
    corpus: Corpus, config: Config, fold: int, n_folds: int, progress: Progress | None = None
) -> tuple[Features, Features]:
    """Opens the features of one fold, computing them if they are not on this machine yet.

    All folds are cut from the same two stores; only where other talkers are heard behind the
    clips, or halves of keywords, has each fold a training store of its own, for none of them may be
    held out. Held-out
    `_silence_` clips are dealt to the folds by their number; those of training all stay in
    training: they are cut from other parts of the noise.

    Returns:
        Training features of the other folds, with their variants and training noise; features of
        the clips that the fold holds out, unvaried. Over all folds each clip is held out once.

    Raises:
        DataError: See `deal_folds`.
    """
    if fold not in range(n_folds):
        raise ValueError(f"fold: must be 0 .. {n_folds - 1}, got {fold}")
    folds = deal_folds(corpus, n_folds, config.data.split_salt, config.data.keywords)
    clips = _clips(corpus)
    is_mine = np.array([folds[dealt_as(clip, corpus.is_personal)] == fold for clip in clips])
    held_out = open_features(
        _marked(corpus, clips, Split.VALIDATION), config, Split.VALIDATION, progress
    )
    silence = np.arange(len(clips) + fold, len(held_out.words), n_folds)
    return (
        _training(corpus, config, clips, is_mine, progress),
        held_out.select(np.concatenate([np.flatnonzero(is_mine), silence])),
    )


def _training(
    corpus: Corpus,
    config: Config,
    clips: Sequence[Clip],
    is_mine: NDArray[np.bool_],
    progress: Progress | None,
) -> Features:
    """Opens the training features of the clips that a fold does not hold out."""
    others = np.flatnonzero(~is_mine)
    if uses_keywords(config.augment):
        own = _marked(corpus, [clips[int(i)] for i in others], Split.TRAINING)
        return open_features(own, config, Split.TRAINING, progress)
    whole = open_features(_marked(corpus, clips, Split.TRAINING), config, Split.TRAINING, progress)
    return whole.select(np.concatenate([others, np.arange(len(clips), len(whole.words))]))


def _clips(corpus: Corpus) -> tuple[Clip, ...]:
    """Returns the clips that are dealt, in the order of the corpus."""
    return tuple(clip for clip in corpus.clips if clip.split is not Split.TESTING)


def _marked(corpus: Corpus, clips: Sequence[Clip], split: Split) -> Corpus:
    """Returns a corpus of these clips alone, all of them in one split."""
    return replace(corpus, clips=tuple(replace(clip, split=split) for clip in clips))


def _said(corpus: Corpus, keywords: Sequence[str]) -> dict[str, Counter[str]]:
    """Returns how many clips of each label a speaker, or a take, has."""
    said: dict[str, Counter[str]] = {}
    for clip in _clips(corpus):
        label = clip.word if clip.word in keywords else UNKNOWN_LABEL
        said.setdefault(dealt_as(clip, corpus.is_personal), Counter())[label] += 1
    return said


def _digest(salt: str, speaker: str) -> bytes:
    return hashlib.sha256(f"{salt}:{speaker}".encode()).digest()


def _check_number(corpus: Corpus, n_folds: int, n_dealt: int) -> None:
    if n_folds < 2:
        raise DataError(f"folds: must be at least 2, got {n_folds}. One trains, the other scores.")
    if n_dealt < n_folds:
        what = _what(corpus)
        raise DataError(
            f"{corpus.source}: each of {n_folds} folds must have a {what}, got {n_dealt} for"
            f" training and validation. Take fewer folds, or record more {what}s."
        )


def _lacking(
    corpus: Corpus, said: Mapping[str, Counter[str]], keywords: Sequence[str], n_folds: int
) -> DataError:
    n_dealt = {keyword: sum(keyword in one for one in said.values()) for keyword in keywords}
    rarest = min(keywords, key=lambda keyword: n_dealt[keyword])
    found = f"{n_dealt[rarest]} for training and validation"
    if n_dealt[rarest] >= n_folds:
        found += ", who say other keywords too"
    what = _what(corpus)
    return DataError(
        f"{corpus.source}: each of {n_folds} folds must have a {what} of {rarest!r}, got {found}."
        f" Take fewer folds, or record more {what}s."
    )


def _what(corpus: Corpus) -> str:
    return "take" if corpus.is_personal else "speaker"
