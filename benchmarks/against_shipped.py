"""Scores a bundle next to SPRD's shipped model on the same test clips, paired by speaker.

    python benchmarks/against_shipped.py BUNDLE --data DIR --shipped MODEL.tflite [--sweep FILE]

Both run in TensorFlow Lite Micro. Each computes its own front end from the same waveforms; the
clips are those of the bundle's test speakers, with the same silence cuts. The difference of the
balanced accuracies is bootstrapped over speakers.
"""

import argparse
import json
from pathlib import Path

from sprd.model.start import load_tensorflow

load_tensorflow()

from sprd.audio.corpus import look_into  # noqa: E402
from sprd.audio.maker import hear_unvaried  # noqa: E402
from sprd.audio.split import Split  # noqa: E402
from sprd.audio.store import compute_features  # noqa: E402
from sprd.bundle.manifest import read_manifest  # noqa: E402
from sprd.bundle.record import config_of  # noqa: E402
from sprd.config.reader import load_sweep  # noqa: E402
from sprd.device.footprint import measure  # noqa: E402
from sprd.device.tflm import Runner  # noqa: E402
from sprd.model.evaluate import paired_difference, score  # noqa: E402
from sprd.sweep.rows.counts import told_clips  # noqa: E402
from sprd.sweep.run import VOCABULARY  # noqa: E402

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Prints one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--shipped", type=Path, required=True)
    parser.add_argument("--sweep", type=Path, default=ROOT / "sweeps/sprd.toml")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    config = config_of(read_manifest(args.bundle))
    seed = load_sweep(args.sweep, VOCABULARY).default
    corpus = look_into(args.data, config.data).corpus
    clips = corpus.of(Split.TESTING)
    results = {}
    probabilities = {}
    for name, path, features in (
        ("bundle", args.bundle / "model.tflite", config.features),
        ("shipped", args.shipped, seed.features),
    ):
        settings = config.model_copy(update={"features": features})
        heard = hear_unvaried(corpus, settings, Split.TESTING)
        computed = compute_features(clips, heard, n_silence=80)
        model = path.read_bytes()
        probabilities[name] = Runner(model).predict(computed.scaled())
        truth, speakers = computed.labels(config.labels), computed.speakers
        scores = score(probabilities[name], truth, speakers, config.labels)
        results[name] = {**scores.as_dict(), "footprint": measure(model, None).as_dict()}
    difference = paired_difference(
        probabilities["bundle"], probabilities["shipped"], truth, speakers, len(config.labels)
    )
    results["difference"] = dict(zip(("value", "low", "high"), difference, strict=True))
    if args.json:
        print(json.dumps(results, indent=1))
    else:
        show(results)


def show(results: dict) -> None:  # type: ignore[type-arg]
    """Prints the scores side by side, each with its 95 % interval."""
    first, second = results["bundle"], results["shipped"]
    print(f"{told_clips(first)}, int8 in TFLM")
    names = ["balanced_accuracy", *(f"recall {label}" for label in first["labels"])]
    print(f"{'':24}{'bundle':>26}{'shipped':>26}")
    for name in names:
        print(f"{name:24}{cell(first, name):>26}{cell(second, name):>26}")
    for key in ("model_bytes", "arena_host_bytes", "macs"):
        print(f"{key:24}{first['footprint'][key]:>26,}{second['footprint'][key]:>26,}")
    d = results["difference"]
    print(f"difference {d['value']:+.3f} ({d['low']:+.3f} .. {d['high']:+.3f}), paired by speaker")


def cell(scores: dict, name: str) -> str:  # type: ignore[type-arg]
    """One score with its interval."""
    kind, _, label = name.partition(" ")
    value = scores["recall"][label] if kind == "recall" else scores[name]
    low, high = scores["intervals"][name]
    return f"{value:.3f} ({low:.3f} .. {high:.3f})"


if __name__ == "__main__":
    main()
