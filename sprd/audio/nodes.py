"""An index made on one machine in, the same index for the recordings of another out."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

from sprd.audio.corpus import Corpus, open_corpus
from sprd.audio.noises import NoiseRecording
from sprd.audio.running import Recording
from sprd.audio.sources import SYNTHETIC, VERSIONS
from sprd.audio.speech_commands import fetch_speech_commands
from sprd.audio.split import Clip
from sprd.config.trial import DataSection
from sprd.errors import DataError


def resolve_on_node(corpus: Corpus, data: DataSection) -> Corpus:
    """Returns the index of the same recordings on this machine.

    Speech Commands is fetched and synthetic speech spoken, once a machine. A folder must be
    shared, or copied to the same place.

    Args:
        corpus: As the machine of the driver knows it.
        data: Of the sweep, with the folders that flags named.

    Raises:
        DataError: The recordings are not here, or come out otherwise here.
        DownloadError: They cannot be fetched.
    """
    missing = next((path for path in _firsts(corpus) if not path.exists()), None)
    if missing is None:
        return corpus
    named = [source for source in data.all_sources if source in (SYNTHETIC, *VERSIONS)]
    if not named:
        raise DataError(
            f"{missing}: must be on every node, got none here. Share the folder of the recordings,"
            " or copy it to the same place on each node."
        )
    for source in named:
        if source in VERSIONS:
            fetch_speech_commands(VERSIONS[source], None, None)
    found = open_corpus(data)
    if found.fingerprint != corpus.fingerprint:
        raise DataError(
            f"data.source {' + '.join(data.all_sources)!r}: must be the same on every node, got"
            f" fingerprint {found.fingerprint[:12]} here, {corpus.fingerprint[:12]} where the sweep"
            " began. Share one folder of recordings, and name it."
        )
    return replace(found, findings=corpus.findings, allowed=corpus.allowed)


def _firsts(corpus: Corpus) -> Iterator[Path]:
    """Yields a file of each word and of each further folder: their names begin the keys."""
    known = set()
    files: Iterator[Clip | NoiseRecording | Recording] = chain(
        corpus.clips, corpus.noises, corpus.speech
    )
    for file in files:
        if (name := file.key.partition("/")[0]) not in known:
            known.add(name)
            yield file.path
