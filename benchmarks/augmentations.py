"""Trains with each setting for streams taken away or added, and hears validation streams.

    python benchmarks/augmentations.py --data DIR [--data DIR ...] --speech DIR [--speech DIR ...]
        [--seeds N] [--steps N] [--variants N] [--point KEY=VALUE ...] [--rows TEXT ...]
        [--found FILE]

The network is that of the first start point of `sweeps/up_down_nano33ble.toml`; what that leaves
open, or the file has none, is the first value of a list and the middle of a range of its space.
`--point` says otherwise. What differs from it is one row; all else is equal. Test speakers, test
speech and test noise are not heard. What was trained is a line of FILE, so that it goes on where it
was ended; the table is printed of what is there.
"""

import argparse
import json
import math
import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np

from sprd.audio.corpus import Corpus, open_corpus
from sprd.audio.frontend import use_one_thread
from sprd.audio.split import Split
from sprd.audio.store import open_features
from sprd.config.dimensions import Choice
from sprd.config.frozen import replaced
from sprd.config.params import Scalar
from sprd.config.reader import load_sweep, resolve
from sprd.config.sweep import SweepConfig
from sprd.config.trial import Config
from sprd.listening.score import listen
from sprd.model.quantize import calibration_clips, convert_int8
from sprd.model.train import fit
from sprd.sweep.run import VOCABULARY

ROOT = Path(__file__).parents[1]

ROWS: dict[str, dict[str, Any]] = {
    "as in the file": {},
    "no context before the clip": {"augment.context_ms": 0},
    "word where it was recorded, +/- 100 ms": {"augment.placement": "shift"},
    "noise at a volume up to 0.1, no ratio": {
        "augment.snr_low_db": None,
        "augment.snr_high_db": None,
        "augment.background_volume": 0.1,
    },
    "no varied speed": {"augment.speed_percent": 0.0},
    "no cuts of speech": {"augment.speech_cuts": 0},
    "no halves of keywords": {"augment.partial_words": 0},
    "level as recorded": {"augment.gain_db": 0.0},
    "reverberation of 30 %": {"augment.reverb_frequency": 0.3},
    "babble behind 30 %": {"augment.babble_frequency": 0.3},
    "half as many variants": {"augment.n_variants": 0.5},
    "no masks": {"augment.time_mask_frames": 0, "augment.channel_mask_channels": 0},
    "masks twice as wide": {"augment.time_mask_frames": 10, "augment.channel_mask_channels": 10},
    "unknown words evenly by word": {"data.unknown_draw": "word"},
    "unknown 160 % of the keywords": {"data.unknown_percentage": 160.0},
    "no offset of keywords": {"train.keyword_offset": 0.0},
    "weights not averaged": {"train.average_decay": 0.0},
}
"""By what is told of it, the keys that differ; `n_variants` is a share of those of the others."""

COLUMNS = (
    *("recall_streaming", "recall_streaming_20db", "recall_streaming_10db"),
    *("recall_streaming_5db", "recall_at_threshold", "recall_at_threshold_20db"),
    *("recall_at_threshold_10db", "false_accepts_per_hour", "false_accepts_per_hour_words"),
    *("detection_delay_ms", "worst_tenth_recall", "balanced_accuracy"),
)


def main() -> None:
    """Trains what is not in the file yet, then prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--speech", type=Path, action="append", required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("--variants", type=int, default=16)
    parser.add_argument("--point", nargs="*", default=[], metavar="KEY=VALUE")
    parser.add_argument("--rows", nargs="*", default=list(ROWS), choices=list(ROWS))
    parser.add_argument("--found", type=Path, default=Path("augmentations.jsonl"))
    args = parser.parse_args()
    use_one_thread()
    sweep = load_sweep(ROOT / "sweeps/up_down_nano33ble.toml", VOCABULARY)
    point = start_of(sweep) | dict(map(read_value, args.point))
    config = resolve(sweep, point)
    sources = {"sources": tuple(map(str, args.data)), "speech": tuple(map(str, args.speech))}
    updates = {
        "data": config.data.model_copy(update=sources),
        "augment": config.augment.model_copy(update={"n_variants": args.variants}),
        "train": config.train.model_copy(update={"steps": args.steps}),
    }
    config = replaced(config, **updates)
    corpus = open_corpus(config.data)
    settings = {"point": point, "steps": args.steps, "variants": args.variants}
    for seed in range(args.seeds):  # the first seeds of all rows first
        for row in args.rows:
            if (row, seed) not in found(args.found, settings):
                metrics = one(changed(config, ROWS[row]), corpus, seed)
                tell(args.found, settings, row, seed, metrics)
    print_table(args.found, settings, args.rows)


def start_of(sweep: SweepConfig) -> dict[str, Scalar]:
    """Returns the first start point, and for what it leaves open a value of the space."""
    point: dict[str, Scalar] = {}
    for name, dimension in sweep.space.items():
        if isinstance(dimension, Choice):
            point[name] = dimension.values[0]
        elif dimension.is_integer:
            point[name] = int(dimension.low)
        elif dimension.log:
            point[name] = math.sqrt(dimension.low * dimension.high)
        else:
            point[name] = (dimension.low + dimension.high) / 2
    return point | dict(sweep.start[0] if sweep.start else {})


def read_value(text: str) -> tuple[str, Scalar]:
    """Reads `KEY=VALUE`; a value that is no JSON is a text."""
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def changed(config: Config, row: dict[str, Any]) -> Config:
    """Returns the configuration with the keys of a row."""
    for name, value in row.items():
        section, _, key = name.partition(".")
        kept = getattr(config, section)
        if key == "n_variants":
            value = round(value * kept.n_variants)
        config = replaced(config, **{section: kept.model_copy(update={key: value})})
    return config


def one(config: Config, corpus: Corpus, seed: int) -> dict[str, Any]:
    """Trains and hears; returns the numbers of the int8 model."""
    config = replaced(config, seed=seed)
    training = open_features(corpus, config, Split.TRAINING)
    validation = open_features(corpus, config, Split.VALIDATION)
    trained = fit(config, training, validation, lambda metrics, save: None, keep="last")
    clips = calibration_clips(training.labels(config.labels), seed)
    model = convert_int8(trained.model, training.select(clips).scaled(), fixed_input=True)
    metrics = listen(config, corpus, model).metrics
    return {**metrics, "balanced_accuracy": trained.val_balanced_accuracy}


def found(path: Path, settings: dict[str, Any]) -> dict[tuple[str, int], dict[str, Any]]:
    """Returns the numbers of these settings by row and seed."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    entries = [entry for entry in map(json.loads, lines) if entry["settings"] == settings]
    return {(entry["row"], entry["seed"]): entry["metrics"] for entry in entries}


def tell(
    path: Path, settings: dict[str, Any], row: str, seed: int, metrics: dict[str, Any]
) -> None:
    """Keeps and shows what came of one training."""
    with path.open("a", encoding="utf-8") as file:
        line = {"row": row, "seed": seed, "settings": settings, "metrics": metrics}
        file.write(json.dumps(line) + "\n")
    print(f"{row}, seed {seed}: {shown([metrics])}", flush=True)


def print_table(path: Path, settings: dict[str, Any], rows: Iterable[str]) -> None:
    """Prints mean and standard deviation over the seeds of each row."""
    of_row: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for (row, _), metrics in found(path, settings).items():
        of_row[row].append(metrics)
    print(f"| what differs | seeds | {' | '.join(COLUMNS)} |")
    for row in rows:
        if of_row[row]:
            print(f"| {row} | {len(of_row[row])} | {shown(of_row[row])} |")


def shown(seeds: list[dict[str, Any]]) -> str:
    """Returns the columns of some trainings; a number that one of them lacks is left out of it."""
    cells = []
    for column in COLUMNS:
        values = [float(m[column]) for m in seeds if m.get(column) is not None]
        spread = f" ({np.std(values, ddof=1):.3g})" if len(values) > 1 else ""
        cells.append(f"{np.mean(values):.3g}{spread}" if values else "-")
    return " | ".join(cells)


if __name__ == "__main__":
    main()
