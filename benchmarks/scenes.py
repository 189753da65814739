"""Times the ladder of variants on one core: each setting of [augment], all of them, the front end.

    python benchmarks/scenes.py --data DIR [--data DIR ...] [--speech DIR] [--items N]

Milliseconds a variant of two seconds, 30/20x40, from files to features; after the noise is decoded
and the graph is built. The front end alone is that on waveforms in memory.
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np

from sprd.audio.corpus import Corpus, index_data
from sprd.audio.frontend import FrontEnd, use_one_thread
from sprd.audio.maker import Maker
from sprd.audio.split import Split
from sprd.audio.store import store_spec
from sprd.config.reader import load_sweep
from sprd.config.trial import Config
from sprd.sweep.run import VOCABULARY

ROOT = Path(__file__).parents[1]

WARM: dict[str, Any] = {"context_ms": 1000, "placement": "window"}
NOISE = {"snr_low_db": 0.0, "snr_high_db": 30.0, "background_frequency": 0.7}
SETTINGS: dict[str, dict[str, Any]] = {
    "context, window": WARM,
    "+ noise at a ratio": {**WARM, **NOISE},
    "+ speed": {**WARM, "speed_percent": 18.0},
    "+ reverberation of 30 %": {**WARM, "reverb_frequency": 0.3},
    "+ babble of 20 %": {**WARM, **NOISE, "babble_frequency": 0.2},
}
EVERYTHING: dict[str, Any] = {
    **{name: value for one in SETTINGS.values() for name, value in one.items()},
    "gain_db": 6.0,
    "partial_words": 500,
}


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--speech", type=Path, action="append", default=[])
    parser.add_argument("--items", type=int, default=100, help="of each kind, 24 variants each")
    args = parser.parse_args()
    use_one_thread()
    config = load_sweep(ROOT / "sweeps/up_down_nano33ble.toml", VOCABULARY).default
    sources = {"sources": tuple(map(str, args.data)), "speech": tuple(map(str, args.speech))}
    config = config.model_copy(update={"data": config.data.model_copy(update=sources)})
    corpus = index_data(config.data).corpus
    everything = {**EVERYTHING, "speech_cuts": 500 if corpus.speech else 0}
    front_end = FrontEnd(config.features, 16_000)
    waveforms = np.random.default_rng(0).integers(-3000, 3000, (240, 32_000)).astype(np.int16)
    show("front end alone", clocked(lambda: front_end.compute(waveforms), 240))
    for what, settings in SETTINGS.items():
        maker, n_clips = opened(corpus, config, settings)
        show(what, made(maker, 0, min(args.items, n_clips)))
    maker, n_clips = opened(corpus, config, everything)
    start = 0
    for what, n_items in (
        ("everything: clips", n_clips),
        ("everything: silence", 400),
        ("everything: cuts of speech", everything["speech_cuts"]),
        ("everything: halves of keywords", everything["partial_words"]),
    ):
        if n_items:
            show(what, made(maker, start, min(args.items, n_items)))
        start += n_items


def opened(corpus: Corpus, config: Config, settings: dict[str, Any]) -> tuple[Maker, int]:
    """Returns what makes the training store with these settings, and how many clips there are."""
    augment = config.augment.model_copy(update={**settings, "n_variants": 24})
    spec = store_spec(corpus, config.model_copy(update={"augment": augment}), Split.TRAINING)
    return Maker(spec), len(spec.corpus.clips)


def made(maker: Maker, start: int, n_items: int) -> float:
    """Returns milliseconds a variant of some items from `start` on."""
    parts = [range(first, first + 10) for first in range(start, start + n_items, 10)]
    return clocked(lambda: [maker.compute(p.start, p.stop) for p in parts], 240 * len(parts))


def clocked(run: Callable[[], object], n_variants: int) -> float:
    """Returns milliseconds a variant, once warm: the least of three."""
    found = []
    for _ in range(3):
        since = time.process_time()
        run()
        found.append(time.process_time() - since)
    return 1000 * min(found) / n_variants


def show(what: str, milliseconds: float) -> None:
    """Prints one line."""
    print(f"{what:32} {milliseconds:.2f} ms a variant", flush=True)


if __name__ == "__main__":
    main()
