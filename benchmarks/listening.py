"""Holds how a bundle listens against bars, beside an older bundle on the same test streams.

    python benchmarks/listening.py BUNDLE --data DIR --speech DIR [--old BUNDLE] [--seeds 5]

Recalls, delays and other words: streams of the test split, at the recogniser that each bundle
carries. False accepts in speech are told twice: at that recogniser on test readers, and over all
speech that no training heard (validation and test readers), with recognisers that were fitted to
other readers. Clip scores are of the same test clips, their difference paired by speaker. The cost
is that of hearing an hour of speech and twenty minutes of keywords and of the fit, features made.
"""

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sprd.model.start import load_tensorflow

load_tensorflow()

from sprd.audio.split import Split  # noqa: E402
from sprd.audio.streams import Lengths  # noqa: E402
from sprd.bundle.evaluate import Evaluation, evaluate_model  # noqa: E402
from sprd.bundle.manifest import read_manifest  # noqa: E402
from sprd.bundle.streamed import Asked, Hearing, open_hearing, stream_model  # noqa: E402
from sprd.config.recognizer import RecognizerSection  # noqa: E402
from sprd.listening.fit import fit  # noqa: E402
from sprd.listening.told import metrics_of  # noqa: E402
from sprd.model.evaluate import paired_difference  # noqa: E402

TRIAL = Lengths(keywords_s=300.0, speech_s=3600.0, words_s=0.0, noise_s=0.0)
"""Twenty minutes of keywords in four conditions, an hour of speech."""

BARS: tuple[tuple[str, str, float, bool], ...] = (
    ("recall_at_threshold", "recall, quiet", 0.82, True),
    ("recall_at_threshold_20db", "recall, 20 dB", 0.79, True),
    ("recall_at_threshold_10db", "recall, 10 dB", 0.64, True),
    ("recall_streaming", "recall_streaming, quiet", 0.88, True),
    ("recall_streaming_20db", "recall_streaming, 20 dB", 0.86, True),
    ("recall_streaming_10db", "recall_streaming, 10 dB", 0.75, True),
    ("recall_streaming_5db", "recall_streaming, 5 dB", 0.63, True),
    ("false_accepts_unseen", "false accepts an hour of speech, cross-fitted", 1.5, False),
    ("false_accepts_per_hour", "the same on test readers, as exported", 1.5, False),
    ("false_accepts_per_hour_words", "false accepts an hour of other words", 10.0, False),
    ("detection_delay_ms", "median delay, ms", 400.0, False),
    ("worst_tenth_recall", "worst tenth of speakers", 0.50, True),
    ("clip_difference_low", "clip score less the old one's, lower limit", -0.02, True),
    ("trial_seconds", "streaming score of a trial, s", 4.0, False),
)
"""Key, words, bar, whether more is better."""


def main() -> None:
    """Prints one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--old", type=Path, metavar="BUNDLE")
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--speech", type=Path, action="append", default=[])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--exact", action="store_true", help="in TensorFlow Lite Micro")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    asked = Asked(args.data, args.speech, "test", args.seeds, args.exact)
    models = {"new": args.bundle, **({"old": args.old} if args.old else {})}
    if args.old:
        check_split(args.bundle, args.old)
    found = {name: measured(model, asked) for name, model in models.items()}
    if args.old:
        found["new"] |= clip_difference(args.bundle, args.old, asked)
    if args.json:
        print(json.dumps(found, indent=1))
    else:
        show(found)


def check_split(new: Path, old: Path) -> None:
    """Ends unless both bundles split speakers alike: else they would hear other streams."""
    keys = ("split_salt", "validation_percentage", "testing_percentage", "split")
    splits = [
        {key: read_manifest(model)["config"]["data"].get(key) for key in keys}
        for model in (new, old)
    ]
    if splits[0] != splits[1]:
        raise SystemExit(f"--old: must split speakers as BUNDLE: {splits[0]}, got {splits[1]}.")


def measured(model: Path, asked: Asked) -> dict[str, Any]:
    """Returns all figures of one bundle."""
    told = stream_model(model, None, asked, tell=print).told
    hearing = open_hearing(model, None, asked)
    return {**told, **cross_fitted(hearing, told), **trial_cost(hearing, told)}


def cross_fitted(hearing: Hearing, told: Mapping[str, Any]) -> dict[str, Any]:
    """False accepts in all speech that no training heard, each hour once as unseen."""
    config, interval_ms = hearing.opened.config, told["recognizer"]["interval_ms"]
    heard = hearing.of([Split.VALIDATION, Split.TESTING], interval_ms)
    section = config.recognizer or RecognizerSection()
    fitted = fit(heard, config.data.keywords, section, interval_ms=interval_ms)
    if (rate := fitted.rate_expected) is None:
        return {"false_accepts_unseen": None}
    return {"false_accepts_unseen": rate.per_hour, "unseen": rate.as_dict()}


def trial_cost(hearing: Hearing, told: Mapping[str, Any]) -> dict[str, float]:
    """Seconds of hearing, fit and curve, once features are there."""
    config, interval_ms = hearing.opened.config, told["recognizer"]["interval_ms"]
    section = config.recognizer or RecognizerSection()
    one = Hearing(hearing.opened, hearing.corpus, hearing.ear, 1, None)
    for _ in range(2):  # the first makes streams and features
        start = time.perf_counter()
        heard = one.of([Split.VALIDATION], interval_ms, TRIAL)
        middle = time.perf_counter()
        fitted = fit(heard, config.data.keywords, section, interval_ms=interval_ms)
        metrics_of(heard, fitted.recognizer, config.data.keywords)
        end = time.perf_counter()
    hours = sum(each.stream.hours for each in heard if each.stream.material == "speech")
    minutes = 60 * sum(each.stream.hours for each in heard if each.stream.material == "keywords")
    return {
        "trial_seconds": end - start,
        "trial_hearing_seconds": middle - start,
        "trial_hours_of_speech": hours,
        "trial_minutes_of_keywords": minutes,
    }


def clip_difference(new: Path, old: Path, asked: Asked) -> dict[str, Any]:
    """Balanced accuracies on the same test clips, and their difference paired by speaker."""
    first, second = (evaluated(model, asked) for model in (new, old))
    heard = [[(clip.file, clip.word) for clip in one.clips] for one in (first, second)]
    if heard[0] != heard[1]:
        raise SystemExit(
            f"--old: must be scored on the test clips of BUNDLE, got {len(heard[1])} clips, others"
            f" than its {len(heard[0])}. Give the data that both were made from."
        )
    labels = first.labels
    truth = np.array([labels.index(clip.truth) for clip in first.clips])
    places = [second.labels.index(label) for label in labels]
    probabilities = [
        np.array([clip.probabilities for clip in one.clips]) for one in (first, second)
    ]
    speakers = [clip.speaker or f"silence {n}" for n, clip in enumerate(first.clips)]
    value, low, high = paired_difference(
        probabilities[0], probabilities[1][:, places], truth, speakers, len(labels)
    )
    return {
        "clip_scores": [one.scores["balanced_accuracy"] for one in (first, second)],
        "clip_difference": value,
        "clip_difference_low": low,
        "clip_difference_high": high,
    }


def evaluated(model: Path, asked: Asked) -> Evaluation:
    """A model on the clips of test speakers."""
    return evaluate_model(model, asked.data, None, "test", 80, 0)


def show(found: Mapping[str, Mapping[str, Any]]) -> None:
    """Prints a row a bar."""
    names = [name for name in ("old", "new") if name in found]
    for name in names:
        one = found[name]
        print(f"{name}: {one['model']}, {one['hours_of_speech']:.2f} h of test speech")
        print(f"  recogniser: {one['recognizer']}")
        for material in one["materials"]:
            print(
                f"  {material['material']}: {material['text']} an hour in {material['hours']:.2f} h"
            )
        if "unseen" in one:
            unseen = one["unseen"]
            limits = "{:.2f}..{:.2f}".format(*unseen["interval"])
            print(f"  unseen speech: {unseen['n']:g} in {unseen['hours']:.2f} h ({limits})")
    print(f"| {'what':45} |{''.join(f' {name:>7} |' for name in names)} {'bar':>7} | kept |")
    for key, words, bar, is_minimum in BARS:
        cells = "".join(f" {cell(found[name].get(key)):>7} |" for name in names)
        print(f"| {words:45} |{cells} {bar:>7g} | {kept(found['new'].get(key), bar, is_minimum)} |")
    if "clip_scores" in found["new"]:
        new, old = found["new"]["clip_scores"]
        print(f"clip scores: new {new:.3f}, old {old:.3f}")


def cell(value: float | None) -> str:
    """A figure in three digits."""
    return "unknown" if value is None else f"{value:.3g}"


def kept(value: float | None, bar: float, is_minimum: bool) -> str:
    """Whether a bar is kept."""
    if value is None:
        return "unknown"
    return "yes" if (value >= bar if is_minimum else value <= bar) else "no"


if __name__ == "__main__":
    main()
