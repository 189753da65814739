"""Who said what in; who is learnt from, chosen by and scored out. Reads no audio.

The salted hash of a speaker decides, so that who else is there does not matter. Only where that
leaves a split without a word are speakers dealt by the rank of their hashes. In a personal data
set takes are dealt instead of speakers, always by rank.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sprd.audio.clips import shown
from sprd.config.labels import UNKNOWN_LABEL
from sprd.config.trial import DataSection
from sprd.errors import DataError

VALIDATION_LIST, TESTING_LIST = "validation_list.txt", "testing_list.txt"

_MARK = "_nohash_"
"""In file names, what parts speaker and take."""

MAX_DEALS = 5_000
"""Deals tried before speakers who share their words count as too few for three splits."""


class Split(StrEnum):
    """What a speaker is for: to learn from, to choose by, or to score what was chosen."""

    TRAINING = "training"
    VALIDATION = "validation"
    TESTING = "testing"


_FILLED = (Split.VALIDATION, Split.TESTING, Split.TRAINING)
"""The order of ranks: as the hash has it, the lowest are for validation."""


@dataclass(frozen=True)
class Clip:
    """One recording of one word; `key` is its name, unique in the corpus and on every machine."""

    path: Path
    key: str
    word: str
    speaker: str
    split: Split
    is_synthetic: bool = False


def speaker_of(name: str) -> str:
    """Returns the speaker that a file name gives: what stands before `_nohash_`.

    A name without it gives no speaker: its stem is taken for one, so that such a file counts as
    said by someone of its own.
    """
    dot = name.rfind(".")  # Path(name).stem, ten times as fast: it is asked for each clip
    stem = name[:dot] if 0 < dot < len(name) - 1 else name
    return stem.split(_MARK)[0] or stem


def names_speaker(name: str) -> bool:
    """Whether a file name says who speaks."""
    return _MARK in name


def split_of(name: str, data: DataSection) -> Split:
    """Returns the split of a speaker, or of a take, by salted hash: no other one matters."""
    percent = 100 * _hash(name, data) / 2**64
    if percent < data.validation_percentage:
        return Split.VALIDATION
    if percent < data.validation_percentage + data.testing_percentage:
        return Split.TESTING
    return Split.TRAINING


def dealt_as(clip: Clip, is_personal: bool) -> str:
    """Returns the name of what is dealt: the speaker, or in a personal data set the take."""
    return clip.key if is_personal else clip.speaker


def label_of(word: str, data: DataSection) -> str:
    """Returns what a model is to say of a word."""
    return word if word in data.keywords else UNKNOWN_LABEL


def split_each(
    names: Iterable[str],
    listed: Mapping[str, Split],
    data: DataSection,
    moved: Mapping[str, str] | None = None,
) -> dict[str, Split]:
    """Returns the split of each speaker, or take, by list and hash.

    Args:
        names: Of them.
        listed: Those that the data set's own lists deal, see `listed_speakers`.
        data: Salt and shares.
        moved: Those whom rank has moved, see `moved_by_rank`.
    """
    splits = {name: listed.get(name) or split_of(name, data) for name in names}
    if moved:
        told = {name: moved.get(digest_of(name, data)) for name in splits}
        splits |= {name: Split(split) for name, split in told.items() if split}
    return splits


def moved_by_rank(
    splits: Mapping[str, Split], listed: Mapping[str, Split], data: DataSection
) -> dict[str, str]:
    """Returns the splits of those who are in another one than list and hash say.

    By a digest: a record that is given away names nobody.
    """
    if data.split != "auto" or listed:
        return {}
    moved = [name for name, split in splits.items() if split is not split_of(name, data)]
    return {digest_of(name, data): splits[name].value for name in sorted(moved)}


def split_all(
    said: Mapping[str, Collection[str]], listed: Mapping[str, Split], data: DataSection
) -> dict[str, Split]:
    """Deals speakers, or takes, to the splits.

    Args:
        said: The labels of each of them.
        listed: Those that the data set's own lists deal, see `listed_speakers`.
        data: Keywords, salt and shares; whether other words are drawn.

    Returns:
        The split of each. By list and hash, if so asked or if each split has every label then;
        else so by rank, if that is possible. Labels of fewer than three can be in no three splits.
    """
    hashed = split_each(said, listed, data)
    if data.split != "auto" or listed or not _shares_everything(data):
        return hashed
    counts = Counter(label for labels in said.values() for label in set(labels))
    has_all = _has_all(hashed, said, _wanted(data))
    if has_all and not data.personal:
        return hashed
    wanted = [label for label in sorted(_wanted(data)) if counts[label] >= len(Split)]
    return _filled(said, wanted, data) or hashed


def listed_speakers(folder: Path, names: Iterable[str], data: DataSection) -> dict[str, Split]:
    """Reads the lists that a data set ships: who is kept for validation and testing.

    A speaker lies in one split, whatever the lists say of single clips: testing wins.

    Args:
        folder: Of the data set; those in `data.extra` follow the hash.
        names: Of its files: who is on no list is for training.
        data: Says whether lists count. They are of speakers, so never in a personal data set.

    Returns:
        The split of each speaker of the folder, or none where the hash decides.

    Raises:
        DataError: The lists are demanded and missing, or cannot be read.
    """
    if data.split == "hash" or data.personal:
        return {}
    paths = _lists_of(folder)
    if not has_lists(folder):
        if data.split == "auto":
            return {}
        raise DataError(
            f"{shown(folder)}: data.split 'lists' needs {VALIDATION_LIST} and {TESTING_LIST}, got"
            " not both. Write them, or set data.split to 'hash'."
        )
    speakers = dict.fromkeys(map(speaker_of, names), Split.TRAINING)
    for path, split in zip(paths, (Split.VALIDATION, Split.TESTING), strict=True):
        speakers |= dict.fromkeys(map(speaker_of, _listed_names(path)), split)
    return speakers


def has_lists(folder: Path) -> bool:
    """Whether a data set ships lists of who is kept aside."""
    return all(path.is_file() for path in _lists_of(folder))


def _lists_of(folder: Path) -> tuple[Path, Path]:
    return folder / VALIDATION_LIST, folder / TESTING_LIST


def lacking(clips: Iterable[Clip], data: DataSection) -> tuple[str, ...]:
    """Tells which words are not in every split, all at once, and the ways out.

    Words without any recording are not told here.

    Returns:
        Sentences without the name of a folder; none where each word that is trained on has
        somebody in each split.
    """
    kinds: dict[str, dict[str, Split]] = defaultdict(dict)
    for clip in clips:
        kinds[label_of(clip.word, data)][dealt_as(clip, data.personal)] = clip.split
    wanted = {label: kinds[label] for label in _wanted(data) if label in kinds}
    gaps = []
    for split in Split:
        without = [label for label, splits in wanted.items() if split not in splits.values()]
        if without:
            gaps.append((split, ", ".join(map(_told, without))))
    if not gaps:
        return ()
    one = "take" if data.personal else "speaker"
    rule = f"each split must have a {one} of each word, got"
    few = {label: len(splits) for label, splits in wanted.items() if len(splits) < len(Split)}
    if few:
        counts = ", ".join(f"{_counted(n, one)} of {_told(label)}" for label, n in few.items())
        return (f"{rule} {counts}. {_ways_out(data)}",)
    missing = "; ".join(f"no {split} {one} of {words}" for split, words in gaps)
    total = _counted(len({name for splits in wanted.values() for name in splits}), one)
    return (f"{rule} {missing}; with {total} in all. {_remedy(data)}",)


def _wanted(data: DataSection) -> tuple[str, ...]:
    """Returns the labels that every split must have."""
    return (*data.keywords, *([UNKNOWN_LABEL] if data.unknown_percentage else []))


def _shares_everything(data: DataSection) -> bool:
    """Tells whether every split is to have a share: nobody is dealt where 0 % was asked for."""
    return min(data.validation_percentage, data.testing_percentage) > 0


def _has_all(
    dealt: Mapping[str, Split], said: Mapping[str, Collection[str]], wanted: Iterable[str]
) -> bool:
    """Tells whether each split has every label."""
    found = {(label, dealt[name]) for name, labels in said.items() for label in labels}
    return all((label, split) in found for label in wanted for split in Split)


def place_of(name: str, salt: str) -> float:
    """Returns the number of 0 .. 1 that a name is hashed to."""
    digest = hashlib.sha256(f"{salt}:{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def digest_of(name: str, data: DataSection) -> str:
    """Returns what stands for a name where nobody is to be named."""
    return f"{_hash(name, data):016x}"


def _hash(name: str, data: DataSection) -> int:
    """Returns 0 .. 2**64 - 1."""
    digest = hashlib.sha256(f"{data.split_salt}:{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


def _filled(
    said: Mapping[str, Collection[str]], wanted: Sequence[str], data: DataSection
) -> dict[str, Split] | None:
    """Deals by rank, each label by itself: first somebody for each split, then the shares.

    Of a label, those with the lowest hashes are for validation, the next for testing. The rarest
    label is dealt first. One who comes later moves those alone who stand at a border.

    Returns:
        The split of each; None if no deal was found that gives each split every wanted label.
    """
    ranked: dict[str, list[str]] = defaultdict(list)
    for name in sorted(said, key=lambda name: (_hash(name, data), name)):
        for label in set(said[name]):
            ranked[label].append(name)
    dealt = _covering(said, ranked, wanted, data)
    if dealt is None:
        return None
    for label in sorted(ranked, key=lambda label: (len(ranked[label]), label)):
        free = [name for name in ranked[label] if name not in dealt]
        had = Counter(dealt[name] for name in ranked[label] if name in dealt)
        for split in (Split.VALIDATION, Split.TESTING):
            n_more = max(0, _share(len(ranked[label]), split, data) - had[split])
            dealt |= dict.fromkeys(free[:n_more], split)
            free = free[n_more:]
        dealt |= dict.fromkeys(free, Split.TRAINING)
    return dealt


def _covering(
    said: Mapping[str, Collection[str]],
    ranked: Mapping[str, Sequence[str]],
    wanted: Sequence[str],
    data: DataSection,
) -> dict[str, Split] | None:
    """Finds somebody of every label for every split, and a split for nobody else.

    The search is complete, up to `MAX_DEALS`: the label that has the fewest left to choose from
    comes first, and what leads nowhere is taken back.

    Returns:
        The split of those few; None if there is no such deal.
    """
    deals: list[dict[str, Split]] = [{}]
    for _ in range(MAX_DEALS):
        if not deals:
            return None
        dealt = deals.pop()
        has: dict[str, list[Split]] = {label: [] for label in ranked}
        for name, split in dealt.items():
            for label in set(said[name]):
                has[label].append(split)
        needs = []
        for label in wanted:
            missing = [split for split in _FILLED if split not in has[label]]
            n_spare = len(ranked[label]) - len(has[label]) - len(missing)
            if missing:
                needs.append((n_spare, label, missing[0]))
        if not needs:
            return dealt
        n_spare, label, split = min(needs, key=lambda need: need[:2])
        if n_spare >= 0:
            names = _candidates(ranked[label], split, dealt, said, data)
            deals += [{**dealt, name: split} for name in reversed(names)]
    return None


def _candidates(
    ranked: Sequence[str],
    split: Split,
    dealt: Mapping[str, Split],
    said: Mapping[str, Collection[str]],
    data: DataSection,
) -> list[str]:
    """Returns whom to try, from the first rank of the split on; one of those who said the same."""
    before = _FILLED[: _FILLED.index(split)]
    start = sum(_share(len(ranked), one, data) for one in before) % len(ranked)
    firsts: dict[frozenset[str], str] = {}
    for name in (*ranked[start:], *ranked[:start]):
        if name not in dealt:
            firsts.setdefault(frozenset(said[name]), name)
    return list(firsts.values())


def _share(n: int, split: Split, data: DataSection) -> int:
    """Returns how many of n are for validation, or for testing: one at least."""
    is_validation = split is Split.VALIDATION
    percentage = data.validation_percentage if is_validation else data.testing_percentage
    return max(1, round(n * percentage / 100))


def _listed_names(path: Path) -> list[str]:
    """Returns the file names of a list of `<word>/<file>`, one a line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise DataError(
            f"{shown(path)}: must list clips as <word>/<file>, got {reason}. Write it anew."
        ) from error
    return [line.strip().replace("\\", "/").rpartition("/")[2] for line in lines if line.strip()]


def _told(label: str) -> str:
    return "words that are no keyword" if label == UNKNOWN_LABEL else repr(label)


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n:,} {what}s"


def _ways_out(data: DataSection) -> str:
    """Tells what to do where a word has fewer speakers, or takes, than there are splits."""
    if data.personal:
        return f"Record each word at least {len(Split)} times."
    return (
        f"Record at least {len(Split)} speakers of each word; or set data.personal = true: takes"
        " are split, and scores hold for these people alone; or name your folder in data.extra"
        ' beside source = "synthetic".'
    )


def _remedy(data: DataSection) -> str:
    """Tells what to do where there are enough for three splits, and yet one has nobody."""
    if not _shares_everything(data):
        return "Raise data.validation_percentage and data.testing_percentage above 0."
    if data.split == "auto":
        return (
            "Record more speakers, or speakers of more words; or take away the lists of a data set"
            " that deal its speakers so."
        )
    if data.split == "lists":
        return f"Add files of theirs to {VALIDATION_LIST} and {TESTING_LIST}."
    return "Set data.split to 'auto', which deals by rank then, or choose another data.split_salt."
