"""Which features the trials of a sweep need: made on all cores before the first trial starts."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product

from sprd.audio.build import WORTH_PROCESSES
from sprd.audio.corpus import Corpus
from sprd.audio.maker import StoreSpec
from sprd.audio.split import Split
from sprd.audio.store import AT_BATCH_TIME, KIND, make_stores, store_key, store_spec
from sprd.config.dimensions import Choice, Range, n_steps
from sprd.config.params import Scalar
from sprd.config.reader import resolve
from sprd.config.sweep import SweepConfig
from sprd.config.trial import Config
from sprd.disk.cache import check_cache, check_size, kept_folder, limit_bytes
from sprd.disk.process import Progress
from sprd.errors import ConfigError
from sprd.sweep.search.grid import values_of

MAX_FRONT_ENDS = 16
"""Combinations of front end and augmentation that are prepared; of more, none but the file's own:
a sampler may never ask for most of them."""

SECTIONS = ("features", "augment")


def prepare_features(
    sweep: SweepConfig,
    corpus: Corpus,
    references: Sequence[tuple[str, Config]],
    progress: Progress | None,
) -> None:
    """Makes the stores that any trial may read, if that is work worth more than one process.

    What is not made here is made by the first trial that reads it.

    Raises:
        ConfigError: The cache is bounded to less than a trial reads.
        OutputError: The cache cannot be written, or has no room.
    """
    specs: dict[str, StoreSpec] = {}
    for config in (*front_ends(sweep), *(config for _, config in references)):
        for split in (Split.TRAINING, Split.VALIDATION):
            spec = store_spec(corpus, config, split)
            specs.setdefault(store_key(spec), spec)
    _check_cache(specs)
    wanted = list(_that_fit(specs.values(), limit_bytes()))
    if sum(spec.n_waveforms for spec in wanted) >= WORTH_PROCESSES:
        make_stores(wanted, progress)


def check_features(config: Config, corpus: Corpus) -> None:
    """Checks, before one training, that its features are kept or can be.

    Raises:
        ConfigError: The cache is bounded to less than it reads.
        OutputError: The cache cannot be written, or has no room.
    """
    splits = (Split.TRAINING, Split.VALIDATION)
    specs = [store_spec(corpus, config, split) for split in splits]
    _check_cache({store_key(spec): spec for spec in specs})


def _check_cache(specs: Mapping[str, StoreSpec]) -> None:
    for spec in specs.values():
        check_size(KIND, spec.n_bytes)
    missing = [spec for key, spec in specs.items() if not kept_folder(KIND, key).exists()]
    if missing:
        check_cache(sum(spec.n_bytes for spec in missing))


def front_ends(sweep: SweepConfig) -> list[Config]:
    """Returns a configuration for each combination of what decides the features, if few."""
    axes: list[list[tuple[str, Scalar]]] = []
    n_points = 1
    for name, dimension in sweep.space.items():
        section, _, key = name.partition(".")
        if section not in SECTIONS or key in AT_BATCH_TIME:
            continue
        n_points *= _n_values(dimension)
        if n_points > MAX_FRONT_ENDS:
            return [sweep.default]
        axes.append([(name, value) for value in values_of(dimension)])
    found = []
    for point in product(*axes):
        try:
            found.append(resolve(sweep, dict(point)))
        except ConfigError:  # two fields that do not go together: no trial will have them
            continue
    return found


def _n_values(dimension: Choice | Range) -> int:
    if isinstance(dimension, Choice):
        return len(dimension.values)
    is_countable = dimension.step is not None or dimension.is_integer
    return n_steps(dimension) if is_countable else MAX_FRONT_ENDS + 1


def _that_fit(specs: Iterable[StoreSpec], n_bytes: int) -> Iterable[StoreSpec]:
    """Yields the first specs that the cache holds together: more would push these out."""
    for spec in specs:
        n_bytes -= spec.n_bytes
        if n_bytes < 0:
            return
        yield spec
