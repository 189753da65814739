"""An index in; what a person should know of its running speech, and of files in two folders, out.

Whether a keyword is said where nobody wrote down what is said, only a model that listens can tell.
"""

from collections.abc import Iterable, Mapping, Sequence

from sprd.audio.corpus import Index
from sprd.audio.finding import Finding
from sprd.audio.misplaced import count
from sprd.audio.readers import NAMELESS
from sprd.audio.running import Recording, SpeechFolder
from sprd.audio.split import Split
from sprd.audio.transcripts import SUFFIX, counted_keywords

_LINE = f"Beside recordings lies a <name>{SUFFIX}, a line each: <file without suffix> WHAT IS SAID"


def hours_of(recordings: Iterable[Recording]) -> dict[Split, float]:
    """Returns the hours of running speech of each split."""
    seconds = dict.fromkeys(Split, 0.0)
    for recording in recordings:
        seconds[recording.split] += recording.seconds
    return {split: total / 3600 for split, total in seconds.items()}


def of_twice(index: Index) -> list[Finding]:
    """Files that are the same in two folders: they count once."""
    found = []
    if index.twice:
        what = f"{count(len(index.twice), 'file')} of the same content in two folders: counted once"
        advice = "Those of the folder that is named first are used"
        found.append(Finding("twice", what, advice, tuple(sorted(index.twice))))
    twice = [key for folder in index.speech.folders for key in folder.twice]
    if twice:
        what = f"{count(len(twice), 'recording')} of speech in two folders, or a clip too: left out"
        advice = "Each counts once, and a clip is no running speech"
        found.append(Finding("twice", what, advice, tuple(twice)))
    return found


def of_speech(index: Index) -> list[Finding]:
    """Running speech: keywords in it, or nobody knows whether; splits that have none."""
    found = [one for folder in index.speech.folders for one in _of_folder(index, folder)]
    if index.speech.folders and index.corpus.speech:
        found += _of_splits(hours_of(index.corpus.speech))
    return found


def _of_folder(index: Index, folder: SpeechFolder) -> list[Finding]:
    name = folder.folder.name or str(folder.folder)
    used = [one for one in index.corpus.speech if one.key.startswith(folder.prefix)]
    found = [
        *_of_keywords(name, folder.with_keyword),
        *_of_transcripts(name, folder),
        *_of_unreadable(name, folder.unreadable),
    ]
    if not used:
        what = f"{name}: no recording of running speech is left to use"
        advice = "".join(f" {one.what}." for one in found).strip().rstrip(".")
        return [Finding("speech", what, advice or "Give speech without keywords", stops=True)]
    return [*found, *_of_unknown(name, used, folder.has_transcripts)]


def _of_keywords(name: str, said: Mapping[str, Sequence[str]]) -> list[Finding]:
    if not said:
        return []
    words = ", ".join(f"{word} {n:,}" for word, n in counted_keywords(said.values()).items())
    what = f"{name}: a keyword is said in {count(len(said), 'recording')} ({words}): left out"
    return [Finding("speech_keywords", what, "To hear it there is no false accept")]


def _of_transcripts(name: str, folder: SpeechFolder) -> list[Finding]:
    found = []
    if folder.bad_transcripts:
        bad = folder.bad_transcripts
        what = f"{name}: {count(len(bad), 'transcript')} cannot be read"
        advice = f"The first {next(iter(bad.values()))}. Write it anew"
        found.append(Finding("transcripts", what, advice, tuple(bad)))
    if folder.untold:
        n = count(len(folder.untold), "recording")
        what = f"{name}: no transcript tells what is said in {n}: left out"
        found.append(Finding("transcripts", what, _LINE, folder.untold))
    return found


def _of_unreadable(name: str, unreadable: Mapping[str, str]) -> list[Finding]:
    if not unreadable:
        return []
    what = f"{name}: {count(len(unreadable), 'recording')} of speech skipped: cannot be read"
    advice = f"The first {next(iter(unreadable.values()))}. Remove them or record them again"
    return [Finding("speech_unreadable", what, advice, tuple(unreadable))]


def _of_unknown(name: str, used: Sequence[Recording], has_transcripts: bool) -> list[Finding]:
    """Recordings of which nobody knows what is said, or who says it."""
    found = []
    told = f"{count(len(used), 'recording')}, {_hours(sum(one.seconds for one in used) / 3600)}"
    if not has_transcripts:
        what = f"{name}: no transcripts ({told}): a keyword may be said in it"
        advice = (
            "Each would be told as a false accept, and cuts of it teach the model to miss the word:"
            f" give only speech without keywords. {_LINE}"
        )
        found.append(Finding("no_transcripts", what, advice))
    nameless = [one for one in used if one.speaker is None]
    if nameless:
        is_all = len(nameless) == len(used)
        which = "no file names a reader: all" if is_all else f"no reader named by {len(nameless):,}"
        what = f"{name}: {which} of the recordings are for {NAMELESS}"
        advice = "Files that are called <reader>-<chapter>-<0001> are split by reader"
        found.append(Finding("readers", what, advice))
    return found


def _of_splits(hours: Mapping[Split, float]) -> list[Finding]:
    missing = [split for split in Split if not hours[split]]
    if not missing:
        return []
    what = f"no running speech for {' and '.join(missing)}"
    advice = "Give recordings of more readers, or of readers with names"
    return [Finding("speech_splits", what, advice)]


def _hours(hours: float) -> str:
    return f"{hours:,.2f} h" if hours >= 0.1 else f"{60 * hours:.1f} min"
