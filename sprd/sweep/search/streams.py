"""Which streams the trials of a sweep hear: checked and made before the first trial starts."""

from collections.abc import Callable, Sequence

from sprd.audio.corpus import Corpus
from sprd.audio.stream_features import make_stream_features
from sprd.audio.stream_sets import StreamSet
from sprd.audio.streams import make_sets, n_bytes_missing
from sprd.config.objectives import Objective
from sprd.config.sweep import SweepConfig
from sprd.config.trial import Config, FeaturesSection
from sprd.disk.cache import check_cache
from sprd.disk.process import Progress
from sprd.listening.trial_streams import sets_of_trial
from sprd.sweep.search.carried import check_carried
from sprd.sweep.search.prepare import front_ends, prepare_features


def check_streams(
    config: Config,
    objectives: Sequence[Objective],
    corpus: Corpus,
    tell: Callable[[str], None],
) -> None:
    """Checks that the streams of a corpus carry what decides among trials, and what is limited.

    Raises:
        DataError: They cannot: it says how many hours of running speech it takes.
        OutputError: The cache cannot be written, or has no room for them.
    """
    if config.recognizer is None:
        return
    sets = sets_of_trial(corpus, config)
    limits = config.budget.stream_limits
    asked = {*(one.key for one in objectives), *(limit.key for limit in limits)}
    bounds = {limit.key: limit.bound for limit in limits}
    for note in check_carried(sets, asked, bounds, config.recognizer):
        tell(note)
    if n_bytes := n_bytes_missing(sets):
        check_cache(n_bytes)


def prepare(
    sweep: SweepConfig,
    corpus: Corpus,
    references: Sequence[tuple[str, Config]],
    progress: Progress | None,
) -> None:
    """Makes what trials read and hear: features of clips, streams and their features.

    Raises:
        DataError: A recording cannot be read.
        ConfigError: The cache is bounded to less than a trial reads.
        OutputError: The cache cannot be written, or has no room.
    """
    prepare_features(sweep, corpus, references, progress)
    prepare_streams(sweep, corpus, references, progress)


def prepare_streams(
    sweep: SweepConfig,
    corpus: Corpus,
    references: Sequence[tuple[str, Config]],
    progress: Progress | None,
) -> None:
    """Writes the streams that any trial hears, and computes their features on all cores.

    Raises:
        DataError: A recording cannot be read.
        OutputError: The cache cannot be written.
    """
    configs = [*front_ends(sweep), *(config for _, config in references)]
    listening = [config for config in configs if config.recognizer is not None]
    sets: dict[int, tuple[StreamSet, ...]] = {}
    by_rate: dict[int, dict[str, FeaturesSection]] = {}
    for config in listening:
        rate_hz = config.features.sample_rate_hz
        if rate_hz not in sets:
            sets[rate_hz] = sets_of_trial(corpus, config)
        by_rate.setdefault(rate_hz, {})[config.features.model_dump_json()] = config.features
    for rate_hz, some in sets.items():
        streams = make_sets(some, progress)
        make_stream_features(streams, list(by_rate[rate_hz].values()), progress)
