"""An index, and what a sweep file wants of it, in; all that a person should know of it out.

The one look at recordings: `sprd data check`, `evaluate` and all that train tell what it finds.
"""

from collections.abc import Sequence
from pathlib import Path

from sprd.audio.corpus import Index, index_data, unfit, unusable
from sprd.audio.finding import Finding
from sprd.audio.misplaced import of_babble, of_files, of_folders, of_speakers
from sprd.audio.sound import Sound
from sprd.audio.speech_findings import of_speech, of_twice
from sprd.audio.unheard import (
    Heard,
    of_lengths,
    of_levels,
    of_likeness,
    of_rates,
    of_silence,
)
from sprd.config.labels import BACKGROUND_NOISE_FOLDER, UNKNOWN_LABEL
from sprd.config.trial import DataSection, FeaturesSection
from sprd.errors import suggest


def find(
    index: Index,
    data: DataSection | None,
    features: FeaturesSection,
    is_trained: bool,
    babble_frequency: float = 0.0,
) -> tuple[Finding, ...]:
    """Looks at recordings.

    Args:
        index: What is in the folders.
        data: Keywords and split; None where no sweep file tells them.
        features: The front end; the window that it hears.
        is_trained: Whether a model is to learn from them; False where one is scored.
        babble_frequency: Of the augmentation.

    Returns:
        What stops first, then the rest.
    """
    corpus, keywords = index.corpus, data.keywords if data else ()
    heard, noise = _sounds(index)
    left_out = of_files(index)
    demands = _of_demands(index, data, is_trained, left_out)
    found = [
        *(one for one in left_out if one.name not in {other.name for other in demands}),
        *demands,
        *of_folders(corpus, keywords),
        *of_twice(index),
        *of_speech(index),
        *of_lengths(heard, features.clip_duration_ms / 1000, keywords),
        *of_silence(heard, keywords),
        *of_likeness(heard),
        *of_levels(heard, noise, corpus.is_synthetic),
        *of_rates(heard, features),
        *of_speakers(corpus, keywords),
        *(of_babble(corpus, keywords) if babble_frequency else ()),
    ]
    return tuple(sorted(found, key=lambda one: not one.stops))


def _sounds(index: Index) -> tuple[list[Heard], dict[str, Sound]]:
    """Returns what clips and recordings of noise sound like."""
    checked = index.sounds
    files = ((clip, checked[clip.key]) for clip in index.corpus.clips)
    heard = [Heard(clip, one.sound, one.sha256) for clip, one in files if one.sound is not None]
    noise = {
        key: one.sound
        for key, one in checked.items()
        if one.file.word == BACKGROUND_NOISE_FOLDER and one.sound is not None
    }
    return heard, noise


def _of_demands(
    index: Index, data: DataSection | None, is_trained: bool, left_out: Sequence[Finding]
) -> list[Finding]:
    """What a sweep file asks of recordings, and these do not give."""
    if not index.corpus.clips:
        why = "".join(f" But {one.what}." for one in left_out)
        return [_stop("empty", problem + why) for problem in unusable(index, 100.0)]
    if data is None:
        return []
    problems = unusable(index, data.max_bad_percentage)
    found = [_stop("unreadable", problem) for problem in problems]
    if is_trained:
        return [*found, *(_stop("words", one) for one in unfit(index.corpus, data))]
    return [*found, *_of_scored(index.corpus.words(), data.keywords)]


def _of_scored(words: Sequence[str], keywords: Sequence[str]) -> list[Finding]:
    """Keywords of a model that nobody says in the clips that it is scored on."""
    missing = [word for word in keywords if word not in words]
    if not missing:
        return []
    told, near = ", ".join(map(repr, missing)), suggest(missing[0], words).rstrip(".")
    if len(missing) < len(keywords):
        what = f"no clip of the keyword{'s' if missing[1:] else ''} {told}"
        return [Finding("keywords", what, f"It cannot be scored there. {near}")]
    what = f"no clip of a keyword of the model: none of {told}"
    advice = f"Name the folders as the model's words. {near}"
    return [Finding("keywords", what, advice, stops=True)]


def _stop(name: str, problem: str) -> Finding:
    what, _, advice = problem.rstrip(".").partition(". ")
    return Finding(name, what, advice, stops=True)


def index_folders(
    folders: Sequence[Path], extra: Sequence[Path] = (), speech: Sequence[Path] = ()
) -> Index:
    """Looks at folders of which no sweep file tells the words.

    Args:
        folders: Of clips; what is in two of them counts once.
        extra: More of them, as a sweep file names them in `data.extra`.
        speech: Of running speech.
    """
    more = tuple(map(str, extra))
    anything = DataSection(keywords=(UNKNOWN_LABEL,), extra=more, max_bad_percentage=100.0)
    return index_data(anything, folders, speech)
