"""What a record tells of its data in, sentences for people out: whom a model heard, and when."""

from collections.abc import Mapping
from typing import Any

from sprd.sweep.trial.provenance import SPLITS

ALL_SYNTHETIC = "The voices are synthetic: this model never heard a person."


def is_all_synthetic(data: Mapping[str, Any]) -> bool:
    """Tells whether a model heard synthetic voices alone.

    Args:
        data: `record.data` of a manifest; older ones tell no splits, and knew no other mixture.
    """
    splits = data.get("splits") or {}
    return bool(data.get("is_synthetic")) and all(
        one["n_synthetic_clips"] == one["n_clips"] for one in splits.values()
    )


def split_noun(data: Mapping[str, Any]) -> str:
    """Returns what a split consists of: "speakers", or "takes" in a personal data set."""
    return "takes" if data.get("personal") else "speakers"


def origin_sentences(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns what must be known before the scores are believed; nothing of people in all splits.

    Args:
        data: `record.data` of a manifest.
    """
    return (*_of_voices(data), *_of_takes(data))


def _of_voices(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Tells what is synthetic of each split."""
    if not data.get("is_synthetic"):
        return ()
    if is_all_synthetic(data):
        return (ALL_SYNTHETIC,)
    splits = data["splits"]
    shares = ", ".join(f"{name} {_share(splits[name])}" for name in SPLITS)
    sentences = [f"Clips of synthetic speech: {shares}."]
    if splits["training"]["n_synthetic_clips"] == splits["training"]["n_clips"]:
        sentences.append("It learnt from synthetic voices alone.")
    return (*sentences, _of_test(splits["test"]))


def _share(split: Mapping[str, int]) -> str:
    n_clips, n_synthetic = split["n_clips"], split["n_synthetic_clips"]
    if n_synthetic == n_clips:
        return f"all {n_clips:,}"
    n_people = split["n_speakers"] - split["n_synthetic_speakers"]
    people = "1 person" if n_people == 1 else f"{n_people:,} people"
    return f"{n_synthetic:,} of {n_clips:,} (the others of {people})"


def _of_test(split: Mapping[str, int]) -> str:
    if split["n_synthetic_clips"] == split["n_clips"]:
        return "No person is in the test: its scores tell nothing of people."
    if split["n_synthetic_clips"]:
        return "The test scores are of people and of synthetic voices together."
    return "The test scores are of people alone."


def _of_takes(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Tells that the test holds nobody new."""
    if not data.get("personal"):
        return ()
    n_speakers = data["n_speakers"]
    whom = "that speaker" if n_speakers == 1 else f"those {n_speakers:,} speakers"
    people = "1 speaker" if n_speakers == 1 else "the same speakers"
    return (
        f"Takes of {people} are in training, validation and test: the scores hold for {whom}"
        " alone, and tell nothing of other people.",
    )
