"""Times the scores on streams at the end of a trial: one hour of speech, 20 minutes of keywords.

    python benchmarks/trial_listening.py RUN NUMBER --data DIR [--data DIR ...] --speech DIR [...]

Seconds of one core, features made before; beside them those of what a trial hears, and the memory
that listening adds to a process that has trained.
"""

import argparse
import json
import os
import resource
import time
from itertools import pairwise
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

from sprd.audio.corpus import Corpus, index_data
from sprd.audio.split import Split
from sprd.audio.stream_features import open_stream_features
from sprd.audio.stream_sets import Lengths
from sprd.audio.streams import open_streams
from sprd.bundle.record import read_config
from sprd.config.recognizer import RecognizerSection
from sprd.config.trial import Config
from sprd.listening.fit import fit
from sprd.listening.score import hear
from sprd.listening.told import metrics_of
from sprd.listening.trial_streams import TRIAL
from sprd.model.start import set_threads
from sprd.sweep.paths import RunPaths

ASKED = Lengths(keywords_s=300.0, speech_s=3600.0, words_s=0.0, noise_s=0.0)
"""Keywords in each of four conditions: 20 minutes."""


def main() -> None:
    """Prints a line for each part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("number", type=int)
    parser.add_argument("--data", type=Path, action="append", default=[])
    parser.add_argument("--speech", type=Path, action="append", default=[])
    args = parser.parse_args()
    files = RunPaths(args.run.absolute()).trial(args.number)
    told = json.loads(files.record.read_text(encoding="utf-8"))["config"]
    config = read_config(told, str(files.record), "Choose another trial.")
    corpus = index_data(config.data, args.data, args.speech).corpus
    set_threads(1)
    for name, lengths in (("asked", ASKED), ("a trial", TRIAL)):
        print(f"{name}: {time_listening(config, corpus, files.model.read_bytes(), lengths)}")


def time_listening(config: Config, corpus: Corpus, model: bytes, lengths: Lengths) -> str:
    """Returns hours, seconds of each part and of all, and how much more memory it took."""
    rate_hz = config.features.sample_rate_hz
    streams = open_streams(corpus, config.data, Split.VALIDATION, 0, rate_hz, lengths)
    for stream in streams:
        open_stream_features(stream, config.features)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    section, keywords = config.recognizer or RecognizerSection(), config.data.keywords
    seconds = [time.process_time()]
    heard = hear(config, model, streams)
    seconds.append(time.process_time())
    fitted = fit(heard, keywords, section, interval_ms=config.interval_ms)
    seconds.append(time.process_time())
    metrics_of(heard, fitted.recognizer, keywords)
    seconds.append(time.process_time())
    parts = [after - start for start, after in pairwise(seconds)]
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    n = sum(len(one.times_ms) for one in heard)
    hours = {
        material: round(sum(one.hours for one in streams if one.material == material), 2)
        for material in dict.fromkeys(one.material for one in streams)
    }
    return (
        f"{hours} h, {n:,} inferences: hear {parts[0]:.2f} s, fit {parts[1]:.2f} s, measure"
        f" {parts[2]:.2f} s, in all {sum(parts):.2f} s; {grown:.0f} MB more"
    )


if __name__ == "__main__":
    main()
