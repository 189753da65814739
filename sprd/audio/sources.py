"""The names of sources in, local folders out. Knows nothing of what lies in a folder."""

from collections.abc import Sequence
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

SPEECH = "running speech"


def folders_of(
    data: DataSection, folders: Sequence[Path] = (), progress: Progress | None = None
) -> list[Path]:
    """Returns the local folders of all clips; speaks the synthetic ones if they are not there yet.

    Args:
        data: Names the sources and more folders.
        folders: Taken instead of the sources: the flag `--data`.
        progress: Called with a stage, what is done of it, and the whole.

    Raises:
        DataError: One is missing, empty, or given twice; or a download has not been fetched: a
            sweep does not download 2.4 GB without a word.
    """
    sources: Sequence[Path | str] = folders or data.all_sources
    found = [_folder_of(source, data, progress) for source in sources]
    found += [_checked(Path(extra)) for extra in data.extra]
    _check_differ("data", found)
    return found


def speech_folders_of(
    data: DataSection, folders: Sequence[Path], clips: Sequence[Path]
) -> list[Path]:
    """Returns the folders of running speech.

    Args:
        data: Names them.
        folders: Taken instead: the flag `--speech`.
        clips: The folders of clips.

    Raises:
        DataError: One is missing, empty or given twice, or lies among the clips, or they in it:
            its keywords would be counted as what is no keyword.
    """
    found = [_checked(folder, SPEECH) for folder in folders or map(Path, data.speech)]
    _check_differ("speech", found)
    for folder in found:
        for other in clips:
            one, two = folder.resolve(), other.resolve()
            if one.is_relative_to(two) or two.is_relative_to(one):
                raise DataError(
                    f"{shown(folder)}: running speech must lie apart from the clips, got"
                    f" {shown(other)} as data. Give a folder in which no keyword is said."
                )
    return found


def source_names(data: DataSection, folders: Sequence[Path] = ()) -> str:
    """Returns where the clips come from, for people."""
    sources: Sequence[Path | str] = folders or data.all_sources
    more = [f"folder {shown(extra)}" for extra in data.extra]
    return " + ".join([*(_name_of(source, data) for source in sources), *more])


def _folder_of(source: Path | str, data: DataSection, progress: Progress | None) -> Path:
    if isinstance(source, Path):
        return _checked(source)
    if source == SYNTHETIC:
        settings = SpeechSettings(data.keywords, data.n_voices, data.n_takes, data.n_other_words)
        return synthesize(settings, progress=progress)
    if source in VERSIONS:
        version = VERSIONS[source]
        fetched = default_folder(version)
        if not is_complete(fetched):
            raise DataError(
                f"data.source {source!r}: must be fetched first, got nothing in {fetched}. "
                f"Run: sprd data fetch --version {version}"
            )
        return fetched
    return _checked(Path(source))


def _name_of(source: Path | str, data: DataSection) -> str:
    if source == SYNTHETIC:
        return f"synthetic speech: {data.n_voices} espeak-ng voices"
    if isinstance(source, str) and source in VERSIONS:
        return f"Google Speech Commands {VERSIONS[source]}"
    return f"folder {shown(source)}"


def _check_differ(what: str, folders: Sequence[Path]) -> None:
    places = [folder.resolve() for folder in folders]
    for number, folder in enumerate(folders):
        if places[number] in places[:number]:
            raise DataError(
                f"{what}: folders must differ, got {shown(folder)} twice. Remove one of them."
            )


def _checked(folder: Path, what: str = "recordings") -> Path:
    """Raises DataError unless the folder is there and holds something."""
    where, flag = shown(folder), ", or name it with --speech" if what == SPEECH else ""
    try:
        if any(folder.iterdir()):
            return folder
    except OSError as error:
        raise DataError(
            f"{where}: must be a folder of {what}: {error.strerror or error}."
            f" Check the path{flag}; in a sweep file a relative one starts at the file."
        ) from error
    if what == SPEECH:
        raise DataError(
            f"{where}: must hold recordings of running speech, got an empty folder. Put recordings"
            " there in which people talk and say no keyword."
        )
    raise DataError(
        f"{where}: must hold a folder of recordings for each word, got an empty folder."
        " Put them into <word>/<speaker>_nohash_<n>.wav."
    )
