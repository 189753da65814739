"""The name of a source in, a local folder out. Knows nothing of what lies in the folder."""

from pathlib import Path

from sprd.audio.clips import shown
from sprd.audio.speech_commands import default_folder, is_complete
from sprd.audio.voices.synthetic import SpeechSettings, synthesize
from sprd.config.trial import DataSection
from sprd.disk.process import Progress
from sprd.errors import DataError

SYNTHETIC = "synthetic"
VERSIONS = {"speech_commands": "v0.02", "speech_commands_v0.01": "v0.01"}
"""Sources that are downloads, and the version that each one means."""


def folder_of(
    data: DataSection, folder: Path | None = None, progress: Progress | None = None
) -> Path:
    """Returns the local folder of a source; speaks the synthetic one if it is not there yet.

    Args:
        data: Names the source.
        folder: Taken instead of `data.source`: the flag `--data`.
        progress: Called with a stage, what is done of it, and the whole.

    Raises:
        DataError: The folder is missing or empty, or the download has not been fetched. A sweep
            does not download 2.4 GB without a word.
    """
    if folder is not None:
        return _checked(folder)
    if data.source == SYNTHETIC:
        settings = SpeechSettings(data.keywords, data.n_voices, data.n_takes, data.n_other_words)
        return synthesize(settings, progress=progress)
    if data.source in VERSIONS:
        version = VERSIONS[data.source]
        fetched = default_folder(version)
        if not is_complete(fetched):
            raise DataError(
                f"data.source {data.source!r}: must be fetched first, got nothing in {fetched}. "
                f"Run: sprd data fetch --version {version}"
            )
        return fetched
    return _checked(Path(data.source))


def source_name(data: DataSection, folder: Path | None = None) -> str:
    """Returns where the audio comes from, for people."""
    if folder is None and data.source == SYNTHETIC:
        return f"synthetic speech: {data.n_voices} espeak-ng voices"
    if folder is None and data.source in VERSIONS:
        return f"Google Speech Commands {VERSIONS[data.source]}"
    return f"folder {shown(folder or data.source)}"


def _checked(folder: Path) -> Path:
    """Raises DataError unless the folder is there and holds something."""
    where = shown(folder)
    try:
        if any(folder.iterdir()):
            return folder
    except OSError as error:
        raise DataError(
            f"{where}: must be a folder of recordings: {error.strerror or error}."
            " Check the path; in a sweep file a relative one starts at the file."
        ) from error
    raise DataError(
        f"{where}: must hold a folder of recordings for each word, got an empty folder."
        " Put them into <word>/<speaker>_nohash_<n>.wav."
    )
