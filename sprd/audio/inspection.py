"""An index of recordings in, a report of what is in them and what is wrong with them out.

Changes nothing; what is wrong, `findings.py` finds.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TypeVar

from sprd.audio.clips import shown
from sprd.audio.corpus import Index
from sprd.audio.finding import Finding
from sprd.audio.listing import Checked
from sprd.audio.misplaced import MIN_SPEAKERS
from sprd.audio.running import SpeechFolder
from sprd.audio.sound import TOLERANCE_S, Sound
from sprd.audio.speech_findings import hours_of
from sprd.audio.split import Split, names_speaker
from sprd.config.labels import BACKGROUND_NOISE_FOLDER

NumberT = TypeVar("NumberT", int, float)


@dataclass(frozen=True)
class WordReport:
    """One word: its recordings that can be read, and who made them."""

    word: str
    n_clips: int
    n_speakers: int
    duration_s: float


@dataclass(frozen=True)
class SpeechReport:
    """A folder of running speech: what of it is used, and what is left out, by key."""

    folder: str
    n_recordings: int
    n_readers: int
    hours: float
    has_transcripts: bool
    with_keyword: Mapping[str, tuple[str, ...]]
    without_transcript: tuple[str, ...]
    twice: tuple[str, ...]
    unreadable: Mapping[str, str]
    bad_transcripts: Mapping[str, str]


@dataclass(frozen=True)
class FolderReport:
    """What is in folders of recordings. Files are named by their keys, `<word>/<file>`.

    `duration_s` is of all clips, without noise; `sample_rates_hz` counts clips a rate; `shorter`
    and `longer` than the window; `duplicates` are groups of files with the same bytes; `problems`
    says in sentences what is worth doing something about, `findings` the same with its name.
    """

    folder: str
    words: tuple[WordReport, ...]
    n_clips: int
    n_speakers: int
    duration_s: float
    shortest_s: float
    longest_s: float
    sample_rates_hz: Mapping[int, int]
    unreadable: Mapping[str, str]
    shorter: tuple[str, ...]
    longer: tuple[str, ...]
    silent: tuple[str, ...]
    clipped: tuple[str, ...]
    duplicates: tuple[tuple[str, ...], ...]
    without_speaker: tuple[str, ...]
    few_speakers: tuple[str, ...]
    noise: Mapping[str, float]
    """Seconds of each recording of noise."""
    problems: tuple[str, ...]
    findings: tuple[Mapping[str, object], ...]
    left_out: Mapping[str, tuple[str, ...]]
    """Files that are no clips, by the reason."""
    twice: tuple[str, ...]
    """Files that are the same in an earlier folder: not among the clips."""
    noise_rms_db: Mapping[str, float]
    """Level of each recording of noise, in dB of full scale."""
    n_noises: Mapping[str, int]
    """Recordings of noise in each split; none where there are too few to deal."""
    speech_hours: Mapping[str, float]
    """Of running speech, in each split; none where no folder of speech is given."""
    speech: tuple[SpeechReport, ...]

    def as_dict(self) -> dict[str, object]:
        """Returns the report for JSON."""
        return asdict(self)


def report(index: Index, findings: Sequence[Finding], window_s: float) -> FolderReport:
    """Puts together what an index tells.

    Args:
        index: Of one folder or more.
        findings: What was found wrong with it.
        window_s: What is heard at once.
    """
    checked, clips = index.sounds, index.corpus.clips
    heard = {clip.key: sound for clip in clips if (sound := checked[clip.key].sound) is not None}
    words = _words(index, heard)
    durations = [sound.seconds for sound in heard.values()]
    return FolderReport(
        folder=index.where,
        words=words,
        n_clips=len(clips),
        n_speakers=len({clip.speaker for clip in clips}),
        duration_s=sum(durations),
        shortest_s=min(durations, default=0.0),
        longest_s=max(durations, default=0.0),
        sample_rates_hz=dict(sorted(Counter(one.rate_hz for one in heard.values()).items())),
        unreadable=dict(index.unreadable),
        shorter=_keys(heard, lambda sound: sound.seconds < window_s - TOLERANCE_S),
        longer=_keys(heard, lambda sound: sound.seconds > window_s + TOLERANCE_S),
        silent=_keys(heard, lambda sound: sound.is_silent),
        clipped=_keys(heard, lambda sound: sound.is_clipped),
        duplicates=_duplicates((key, checked[key].sha256) for key in heard),
        without_speaker=tuple(clip.key for clip in clips if not names_speaker(clip.path.name)),
        few_speakers=tuple(word.word for word in words if word.n_speakers < MIN_SPEAKERS),
        noise=_noise_seconds(checked),
        problems=tuple(one.sentence for one in findings),
        findings=tuple(one.as_dict() for one in findings),
        left_out=_left_out(index),
        twice=tuple(sorted(index.twice)),
        noise_rms_db={one.key: one.rms_db for one in index.corpus.noises},
        n_noises=_of_splits(Counter(one.split for one in index.corpus.noises if one.split)),
        speech_hours=_of_splits(hours_of(index.corpus.speech)) if index.speech.folders else {},
        speech=tuple(_speech(index, folder) for folder in index.speech.folders),
    )


def _noise_seconds(checked: Mapping[str, Checked]) -> dict[str, float]:
    return {
        key: one.sound.seconds
        for key, one in checked.items()
        if one.file.word == BACKGROUND_NOISE_FOLDER and one.sound is not None
    }


def _of_splits(numbers: Mapping[Split, NumberT]) -> dict[str, NumberT]:
    """Names the splits as records and users do."""
    names = {Split.TRAINING: "training", Split.VALIDATION: "validation", Split.TESTING: "test"}
    return {name: numbers[split] for split, name in names.items() if split in numbers}


def _speech(index: Index, folder: SpeechFolder) -> SpeechReport:
    used = [one for one in index.corpus.speech if one.key.startswith(folder.prefix)]
    return SpeechReport(
        folder=shown(folder.folder),
        n_recordings=len(used),
        n_readers=len({one.speaker for one in used} - {None}),
        hours=sum(one.seconds for one in used) / 3600,
        has_transcripts=folder.has_transcripts,
        with_keyword=folder.with_keyword,
        without_transcript=folder.untold,
        twice=folder.twice,
        unreadable=folder.unreadable,
        bad_transcripts=folder.bad_transcripts,
    )


def _words(index: Index, heard: Mapping[str, Sound]) -> tuple[WordReport, ...]:
    by_word = defaultdict(list)
    for clip in index.corpus.clips:
        by_word[clip.word].append(clip)
    return tuple(
        WordReport(
            word=word,
            n_clips=len(clips),
            n_speakers=len({clip.speaker for clip in clips}),
            duration_s=sum(heard[clip.key].seconds for clip in clips),
        )
        for word, clips in sorted(by_word.items())
    )


def _left_out(index: Index) -> dict[str, tuple[str, ...]]:
    by_why = defaultdict(list)
    for one in index.left_out:
        by_why[one.why.value].append(one.name)
    return {why: tuple(names) for why, names in by_why.items()}


def _keys(sounds: Mapping[str, Sound], is_so: Callable[[Sound], bool]) -> tuple[str, ...]:
    return tuple(key for key, sound in sounds.items() if is_so(sound))


def _duplicates(files: Iterable[tuple[str, str]]) -> tuple[tuple[str, ...], ...]:
    by_content: dict[str, list[str]] = defaultdict(list)
    for key, sha256 in files:
        by_content[sha256].append(key)
    return tuple(tuple(keys) for keys in by_content.values() if len(keys) > 1)
