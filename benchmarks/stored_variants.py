"""Does a ladder of stored variants cost accuracy against variants made anew for each batch?

    python benchmarks/stored_variants.py --data DIR [--variants 12,24] [--steps N] [--seeds N]
        [--first N]

The same recipe (`sweeps/up_down_nano33ble.toml` without its space) and the same batches of clips:
with ladders of stored variants, and with a variant that was never used before for each clip of
each batch (so many are stored beforehand that none is used twice). Balanced accuracy of the last
step's float model on validation speakers.
"""

import argparse
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

from sprd.model.start import load_tensorflow, set_threads

load_tensorflow()
set_threads(1)

import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from sprd.audio.corpus import open_corpus  # noqa: E402
from sprd.audio.split import Split  # noqa: E402
from sprd.audio.store import Features, open_features  # noqa: E402
from sprd.config.reader import load_sweep  # noqa: E402
from sprd.config.trial import Config  # noqa: E402
from sprd.model import train  # noqa: E402
from sprd.model.batches import Batches  # noqa: E402
from sprd.model.evaluate import balanced_accuracy  # noqa: E402
from sprd.sweep.run import VOCABULARY  # noqa: E402


class Anew(Batches):
    """Batches of the same clips, each in a variant that was not used before."""

    def __init__(self, config: Config, training: Features, teacher: Any = None) -> None:
        super().__init__(config, training, teacher)
        self._used = np.zeros(len(training.words), np.int64)

    def draw(self, step: int) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
        """Steps must come in order."""
        rows, labels, masks = super().draw(step)
        for i, clip in enumerate(rows // self._n_variants):
            if self._used[clip] == self._n_variants:
                raise SystemExit("a clip has no variant left: lower --steps")
            rows[i] = clip * self._n_variants + self._used[clip]
            self._used[clip] += 1
        return rows, labels, masks


def main() -> None:
    """Prints both scores of each seed and the mean difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--variants", default="12,24", help="lengths of the ladders")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    args = parser.parse_args()
    file = Path(__file__).parents[1] / "sweeps/up_down_nano33ble.toml"
    config = load_sweep(file, VOCABULARY).default
    section = config.train.model_copy(update={"steps": args.steps, "eval_interval": args.steps})
    config = config.model_copy(update={"train": section})
    corpus = open_corpus(config.data, (args.data,))
    validation = open_features(corpus, config, Split.VALIDATION)
    ladders = [with_variants(config, int(n)) for n in args.variants.split(",")]
    stored = [open_features(corpus, one, Split.TRAINING) for one in ladders]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SPRD_CACHE"] = folder
        many = with_variants(config, needed(config, stored[0]))
        anew = open_features(corpus, many, Split.TRAINING)
        differences: list[list[float]] = [[] for _ in ladders]
        for seed in range(args.first, args.first + args.seeds):
            best = score(many.model_copy(update={"seed": seed}), anew, validation, Anew)
            line = f"seed {seed}: anew {best:.4f}"
            for ladder, features, found in zip(ladders, stored, differences, strict=True):
                seeded = ladder.model_copy(update={"seed": seed})
                found.append(score(seeded, features, validation, Batches) - best)
                line += f", {ladder.augment.n_variants} stored {best + found[-1]:.4f}"
            print(line, flush=True)
    for ladder, found in zip(ladders, differences, strict=True):
        mean, error = statistics.mean(found), statistics.stdev(found) / len(found) ** 0.5
        n = ladder.augment.n_variants
        print(f"{n} stored less anew: mean {mean:+.4f}, standard error {error:.4f}")


def with_variants(config: Config, n_variants: int) -> Config:
    """Returns the configuration with a ladder of so many variants."""
    augment = config.augment.model_copy(update={"n_variants": n_variants})
    return config.model_copy(update={"augment": augment})


def needed(config: Config, training: Features) -> int:
    """Returns how often the clip that is drawn most is drawn, with room for other seeds."""
    batches = Batches(config, training)
    drawn = np.zeros(len(training.words), np.int64)
    for step in range(config.train.n_steps):
        np.add.at(drawn, batches.draw(step)[0] // training.raw.shape[1], 1)
    return int(drawn.max() * 1.4)


def score(config: Config, training: Features, validation: Features, batches: Any) -> float:
    """Trains and scores."""
    with patch.object(train, "Batches", batches):
        trained = train.fit(config, training, validation, lambda *_: None, keep="last")
    predicted = train.predict(trained.model, validation.scaled()).argmax(1)
    return balanced_accuracy(predicted, validation.labels(config.labels))


if __name__ == "__main__":
    main()
