"""An index made on one machine in, the same index for the recordings of another out."""

from dataclasses import replace

from sprd.audio.corpus import Corpus, open_corpus
from sprd.audio.sources import SYNTHETIC, VERSIONS, source_name
from sprd.audio.speech_commands import fetch_speech_commands
from sprd.config.trial import DataSection
from sprd.errors import DataError


def resolve_on_node(corpus: Corpus, data: DataSection) -> Corpus:
    """Returns the index of the same recordings on this machine.

    Speech Commands is fetched and synthetic speech spoken, once a machine. A folder must be
    shared, or copied to the same place.

    Args:
        corpus: As the machine of the driver knows it.
        data: Of the sweep; without the flag `--data`.

    Raises:
        DataError: The recordings are not here, or come out otherwise here.
        DownloadError: They cannot be fetched.
    """
    first = corpus.clips[0].path
    if first.exists():
        return corpus
    is_named = data.source in (SYNTHETIC, *VERSIONS)
    if not is_named or not corpus.source.startswith(source_name(data)):
        raise DataError(
            f"{first}: must be on every node, got none here. Share the folder of the recordings,"
            " or copy it to the same place on each node."
        )
    if data.source in VERSIONS:
        fetch_speech_commands(VERSIONS[data.source], None, None)
    found = open_corpus(data)
    if found.fingerprint != corpus.fingerprint:
        raise DataError(
            f"data.source {data.source!r}: must be the same on every node, got fingerprint"
            f" {found.fingerprint[:12]} here, {corpus.fingerprint[:12]} where the sweep began."
            " Share one folder of recordings, and name it."
        )
    return replace(found, findings=corpus.findings, allowed=corpus.allowed)
