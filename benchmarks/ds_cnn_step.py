"""Times a step of a ds_cnn, 24 channels and 3 blocks, against plain `model.fit`, one thread each.

    python benchmarks/ds_cnn_step.py --data DIR [--steps N] [--rounds N] [--architecture NAME]

Both get the same batches in the same order from the same first weights: ours gathers them from
the feature store, `model.fit` has them as float32 arrays in memory. Losses are printed side by
side. `jit_compile` is off for `model.fit`: XLA's convolutions on a CPU are many times slower.
"""

import argparse
import os
import statistics
import time
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

from sprd.model.start import load_tensorflow, set_threads

load_tensorflow()
set_threads(1)

import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers  # noqa: E402

from sprd.audio.corpus import open_corpus  # noqa: E402
from sprd.audio.split import Split  # noqa: E402
from sprd.audio.store import Features, open_features  # noqa: E402
from sprd.config.reader import load_sweep  # noqa: E402
from sprd.config.trial import Config, ModelSection  # noqa: E402
from sprd.model import zoo  # noqa: E402
from sprd.model.batches import Batches  # noqa: E402
from sprd.model.loop import TrainingLoop  # noqa: E402
from sprd.model.params import ARCHITECTURES  # noqa: E402
from sprd.sweep.run import VOCABULARY  # noqa: E402

PARAMS: dict[str, dict[str, Any]] = {
    "ds_cnn": {"filters": 24, "n_blocks": 3, "dropout": 0.0},
    "temporal_conv": {"dropout": 0.0},
}


def main() -> None:
    """Prints milliseconds a step and the losses of each round, and the median ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=60, help="of a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--architecture", choices=PARAMS, default="ds_cnn")
    args = parser.parse_args()
    config, training = prepared(args.architecture, args.data)
    ours, theirs = our_loop(config, training), model_fit(config, training)
    ratios = []
    for number in range(args.rounds + 1):  # the first compiles
        start, stop = number * args.steps, (number + 1) * args.steps
        (our_ms, our_loss), (their_ms, their_loss) = ours(start, stop), theirs(start, stop)
        if number:
            ratios.append(their_ms / our_ms)
            print(
                f"steps {start} .. {stop}: model.fit {their_ms:.2f} ms, loss {their_loss:.4f};"
                f" sprd {our_ms:.2f} ms, loss {our_loss:.4f}; {ratios[-1]:.2f} times"
            )
    print(f"{args.architecture}: median {statistics.median(ratios):.2f} times faster")


def prepared(architecture: str, data: Path) -> tuple[Config, Features]:
    """Returns a training of that architecture without masks: `model.fit` has none."""
    default = load_sweep(Path(__file__).parents[1] / "sweeps/sprd.toml", VOCABULARY).default
    defaults = ARCHITECTURES[architecture].defaults()
    model = ModelSection(architecture=architecture, params={**defaults, **PARAMS[architecture]})
    config = default.model_copy(update={"model": model})
    corpus = open_corpus(config.data, (data,))
    return config, open_features(corpus, config, Split.TRAINING)


def our_loop(config: Config, training: Features) -> Any:
    """Returns what trains some steps our way and gives (milliseconds a step, mean loss)."""
    keras.utils.set_random_seed(0)
    model = zoo.build_model(config.model, config.features.shape, len(config.labels))
    loop, batches = TrainingLoop(model, config, training.scale), Batches(config, training)

    def train(start: int, stop: int) -> tuple[float, float]:
        since = time.perf_counter()
        _, loss = loop.run(batches, start, stop)
        return (time.perf_counter() - since) * 1000 / (stop - start), loss

    return train


def model_fit(config: Config, training: Features) -> Any:
    """Returns the same for `model.fit`, with Keras' own layers."""
    names = ("BatchNormalization", "Conv2D", "Dropout")
    ours = {name: getattr(zoo, name) for name in names}
    for name in names:
        setattr(zoo, name, getattr(layers, name))
    keras.utils.set_random_seed(0)
    model = zoo.build_model(config.model, config.features.shape, len(config.labels))
    for name, ours_of_it in ours.items():
        setattr(zoo, name, ours_of_it)
    model.compile(
        keras.optimizers.SGD(config.train.phases[0][1]),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    batches = Batches(config, training)
    scale = np.float32(training.scale)

    def train(start: int, stop: int) -> tuple[float, float]:
        features, labels, *_ = batches.gather(start, stop)
        x = features.astype(np.float32).reshape(-1, features.shape[-1]) * scale
        size = config.train.batch_size
        since = time.perf_counter()
        history = model.fit(x, labels.reshape(-1), batch_size=size, shuffle=False, verbose=0)
        return (time.perf_counter() - since) * 1000 / (stop - start), history.history["loss"][0]

    return train


if __name__ == "__main__":
    main()
