"""A corpus in, the streams that a trial hears and those of an export out. Loads no model."""

from dataclasses import replace

from sprd.audio.corpus import Corpus
from sprd.audio.split import Split
from sprd.audio.stream_sets import WHOLE, Lengths, StreamSet, sets_of
from sprd.audio.streams import Stream, make_sets, open_streams
from sprd.config.trial import Config

TRIAL = Lengths(keywords_s=480.0, speech_s=9000.0, words_s=900.0, noise_s=600.0)
"""At most, of validation speakers; of keywords in each condition."""

KEYWORDS = replace(WHOLE, speech_s=0.0, words_s=0.0, noise_s=0.0)

SEEDS = (0, 1, 2, 3, 4)
"""Of the streams of what is exported."""


def sets_of_trial(corpus: Corpus, config: Config) -> tuple[StreamSet, ...]:
    """Returns which streams a trial hears, whether they are written yet or not."""
    rate_hz = config.features.sample_rate_hz
    return sets_of(corpus, config.data, Split.VALIDATION, 0, rate_hz, TRIAL)


def streams_of_trial(corpus: Corpus, config: Config) -> tuple[Stream, ...]:
    """Returns the streams that a trial hears, writing those that are not on this machine yet."""
    return make_sets(sets_of_trial(corpus, config))


def streams_of_export(corpus: Corpus, config: Config, split: Split) -> tuple[Stream, ...]:
    """Returns all streams of a split: keywords with each seed, all else with the first."""
    rate_hz = config.features.sample_rate_hz
    lengths = [WHOLE, *[KEYWORDS] * (len(SEEDS) - 1)]
    return tuple(
        stream
        for seed, length in zip(SEEDS, lengths, strict=True)
        for stream in open_streams(corpus, config.data, split, seed, rate_hz, length)
    )
