"""Words in, a data set of synthetic speech out: what `sprd` trains on before anyone recorded.

Voices of espeak-ng, spoken in child processes (`speak.py`), put into rooms, at levels and places
that vary (`studio.py`). The same settings give the same bytes.
"""

import hashlib
import importlib.metadata
import io
import json
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from filelock import FileLock
from numpy.typing import NDArray

from sprd.audio.voices.speak import SAMPLE_RATE_HZ as SPOKEN_RATE_HZ
from sprd.audio.voices.studio import (
    NOISE_S,
    SAMPLE_RATE_HZ,
    Wave,
    finish,
    made_noise,
    mix_babble,
)
from sprd.config.labels import BACKGROUND_NOISE_FOLDER
from sprd.config.seeds import generator_of
from sprd.disk.atomic import cache_folder, whole_folder
from sprd.disk.process import Progress
from sprd.errors import DataError, SprdError

FORMAT = 1
"""Part of a data set's name: raise it when the same settings give other sounds."""

RECIPE_FILE = "synthetic.json"

LANGUAGES = (
    "en-us",
    "en",
    "en-gb-scotland",
    "en-gb-x-rp",
    "en-029",
    "en-gb-x-gbclan",
    "en-gb-x-gbcwmd",
    "en-us-nyc",
)
"""Accents of this wheel's espeak-ng. `en` is British: `en-gb` takes no variant."""

_VARIANTS = """
Alex Alicia Andrea Andy Annie Denis Diogo Gene Gene2 Henrique Hugo Jacky Lee Marco Mario Michael
Mike Nguyen Reed RicishayMax RicishayMax2 Storm adam anika antonio aunty belinda benjamin boris
caleb croak david ed edward edward2 f1 f2 f3 f4 f5 fast grandma grandpa gustave ian iven iven2
iven3 iven4 john kaukovalta klatt2 klatt3 klatt4 klatt5 klatt6 linda m1 m2 m3 m4 m5 m6 m7 m8
marcelo max michel miguel mike2 norbert pablo paul pedro quincy rob robert robosoft robosoft2
robosoft3 robosoft5 robosoft7 sandro shelby steph steph2 steph3 travis victor zac
"""
VARIANTS = tuple(_VARIANTS.split())
"""Left out: whispers, monsters and robots (no human sounds so), and those of BABBLE_VOICES."""

BABBLE_VOICES = ("en-us+announcer", "en+RicishayMax3", "en-gb-x-rp+klatt", "en-us+robosoft8")

_OTHER_WORDS = """
zero one two three four five six seven eight nine bed bird cat dog happy house marvin sheila tree
wow backward forward follow learn visual yes no up down left right on off stop go water window
table music garden morning paper river summer people coffee orange question answer picture light
door mother yellow market number simple travel winter kitchen doctor finger silver button police
never basket candle dinner engine forest guitar hammer island jacket lemon mirror orchard
"""
OTHER_WORDS = tuple(_OTHER_WORDS.split())


@dataclass(frozen=True)
class Recipe:
    """All that decides the bytes of a data set."""

    format: int
    espeakng_loader: str
    keywords: tuple[str, ...]
    other_words: tuple[str, ...]
    n_voices: int
    n_takes: int
    seed: int


@dataclass(frozen=True)
class Job:
    """One text for a child to say; `path` is where in the data set the sound goes."""

    path: str
    speaker: str
    voice: str
    text: str
    rate: int
    pitch: int
    range: int
    seed: int


@dataclass(frozen=True)
class SpeechSettings:
    """What a data set of synthetic speech is to hold.

    Every voice, which is one speaker, says each keyword `n_takes` times, in takes that differ in
    rate, pitch and emphasis, and each of `n_other_words` other words once. Another seed is another
    data set.
    """

    keywords: Sequence[str]
    n_voices: int
    n_takes: int
    n_other_words: int
    seed: int = 0


def synthesize(
    settings: SpeechSettings, folder: Path | None = None, progress: Progress | None = None
) -> Path:
    """Makes a data set of synthetic speech, unless it is there already.

    Args:
        settings: What it is to hold.
        folder: Where it goes; unset, into the cache, named by its settings.
        progress: Called with ("speaking", clips done, clips in all).

    Returns:
        Folder of `<word>/<speaker>_nohash_<take>.wav`, 16 kHz, 1 s, and background noise.

    Raises:
        DataError: espeak-ng is not installed, a keyword cannot be spoken, or `folder` holds
            something else.
        OutputError: The folder cannot be written.
    """
    recipe = _recipe(settings)
    text = json.dumps(asdict(recipe), indent=1, sort_keys=True)
    name = hashlib.sha256(text.encode()).hexdigest()
    target = folder if folder is not None else cache_folder() / "synthetic" / name
    if _is_made(target, text):
        return target
    lock = cache_folder() / "synthetic" / f"{name}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock):
        if not _is_made(target, text):
            with whole_folder(target) as temporary:
                _build(temporary, recipe, progress)
                (temporary / RECIPE_FILE).write_text(text)
    return target


def _recipe(settings: SpeechSettings) -> Recipe:
    """Checks the keywords and finds espeak-ng."""
    for word in settings.keywords:
        if not word.strip() or word[0] in "_." or not word.isprintable() or "/" in word:
            raise DataError(
                f"synthetic speech: a keyword must be a word that can be spoken, got {word!r}."
                " Write it in letters."
            )
    version = espeak_version()
    if version is None:
        raise DataError(
            "synthetic speech: espeak-ng must be installed, got none."
            " Run: pip install 'sprd[synth]', or name a folder of recordings in data.source."
        )
    return Recipe(
        format=FORMAT,
        espeakng_loader=version,
        keywords=tuple(sorted(set(settings.keywords))),
        other_words=other_words(settings.keywords, settings.n_other_words),
        n_voices=settings.n_voices,
        n_takes=settings.n_takes,
        seed=settings.seed,
    )


def espeak_version() -> str | None:
    """Returns the version of what speaks; None where it is not installed."""
    try:
        return importlib.metadata.version("espeakng_loader")
    except importlib.metadata.PackageNotFoundError:
        return None


def other_words(keywords: Sequence[str], n_words: int) -> tuple[str, ...]:
    """Returns the first words of the fixed list that are no keyword."""
    taken = {word.casefold() for word in keywords}
    return tuple(word for word in OTHER_WORDS if word not in taken)[:n_words]


def _is_made(target: Path, recipe: str) -> bool:
    """Tells whether the data set is there.

    Raises:
        DataError: Something else is there, which must not be overwritten.
    """
    if (target / RECIPE_FILE).exists() and (target / RECIPE_FILE).read_text() == recipe:
        return True
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DataError(
            f"{target}: must be a new or empty folder, got one with other files."
            " Choose another folder."
        )
    return False


def _build(folder: Path, recipe: Recipe, progress: Progress | None) -> None:
    """Speaks, finishes and writes every clip and the noise."""
    jobs = [*plan(recipe), *_babble_plan(recipe)]
    for parent in {(folder / job.path).parent for job in jobs}:
        parent.mkdir()
    babble: dict[str, Wave] = {}
    lock = threading.Lock()
    n_done = 0

    def take(job: Job, sound: Wave) -> None:
        nonlocal n_done
        if job.path.startswith(BACKGROUND_NOISE_FOLDER):
            babble[job.path] = soxr.resample(sound, SPOKEN_RATE_HZ, SAMPLE_RATE_HZ, "HQ")
        else:
            _write(
                folder / job.path, finish(sound, SPOKEN_RATE_HZ, job.speaker, job.path, recipe.seed)
            )
        with lock:
            n_done += 1
            if progress is not None:
                progress("speaking", n_done, len(jobs))

    speak_all(jobs, take)
    noise = folder / BACKGROUND_NOISE_FOLDER
    _write(noise / "babble.wav", mix_babble([babble[path] for path in sorted(babble)]))
    for name in ("pink", "brown", "hum"):
        samples = made_noise(name, NOISE_S * SAMPLE_RATE_HZ, SAMPLE_RATE_HZ, recipe.seed)
        _write(noise / f"{name}.wav", samples)


def plan(recipe: Recipe) -> Iterator[Job]:
    """Gives every clip of a data set: who says what, and how."""
    for speaker, voice in voices_of(recipe.n_voices, recipe.seed):
        for word in recipe.keywords:
            for take in range(recipe.n_takes):
                yield _job(recipe.seed, speaker, voice, word, take)
        for word in recipe.other_words:
            yield _job(recipe.seed, speaker, voice, word, 0)


def is_spoken(folder: Path) -> Callable[[str], bool]:
    """Returns what tells whether a speaker of a folder is one of its synthetic voices.

    Recordings of people may have been put beside them. In a data set of another format nobody is
    known by name: all of it counts as spoken.
    """
    if not (folder / RECIPE_FILE).exists():
        return lambda speaker: False
    try:
        recipe = Recipe(**json.loads((folder / RECIPE_FILE).read_text(encoding="utf-8")))
        speakers = {speaker for speaker, _ in voices_of(recipe.n_voices, recipe.seed)}
    except (OSError, ValueError, TypeError):
        return lambda speaker: True
    return lambda speaker: recipe.format != FORMAT or speaker in speakers


def voices_of(n_voices: int, seed: int = 0) -> Iterator[tuple[str, str]]:
    """Gives the name of each speaker of a data set of this seed, and the voice of espeak-ng."""
    order = generator_of(seed, "voices").permutation(len(VARIANTS))
    for number in range(n_voices):
        variant, turn = int(order[number % len(order)]), number // len(order)
        accent = (int(generator_of(seed, "accent", variant).integers(len(LANGUAGES))) + turn) % len(
            LANGUAGES
        )
        voice = f"{LANGUAGES[accent]}+{VARIANTS[variant]}"
        yield hashlib.sha256(f"{seed}:{number}:{voice}".encode()).hexdigest()[:8], voice


def _job(seed: int, speaker: str, voice: str, word: str, take: int) -> Job:
    habit = generator_of(seed, speaker)
    rate, pitch, spread = habit.integers(130, 191), habit.integers(35, 66), habit.integers(30, 81)
    mood = generator_of(seed, speaker, word, take)
    ending = mood.choice(["", "!", "?", ","])
    return Job(
        path=f"{word}/{speaker}_nohash_{take}.wav",
        speaker=speaker,
        voice=voice,
        text=word.replace("_", " ") + str(ending),
        rate=int(rate * mood.uniform(0.85, 1.15)),
        pitch=int(pitch + mood.integers(-10, 11)),
        range=int(np.clip(spread + mood.integers(-20, 21), 10, 100)),
        seed=int(mood.integers(1, 2**31)),
    )


def _babble_plan(recipe: Recipe) -> Iterator[Job]:
    """Gives the talk of voices that are no speakers, in words that are no keyword."""
    for voice in BABBLE_VOICES:
        random = generator_of(recipe.seed, "babble", voice)
        words = list(random.permutation(other_words(recipe.keywords, len(OTHER_WORDS))))
        yield Job(
            path=f"{BACKGROUND_NOISE_FOLDER}/{voice}",
            speaker=voice,
            voice=voice,
            text=" ".join(words),
            rate=int(random.integers(150, 200)),
            pitch=int(random.integers(30, 70)),
            range=60,
            seed=int(random.integers(1, 2**31)),
        )


def speak_all(jobs: Sequence[Job], take: Callable[[Job, Wave], None]) -> None:
    """Has children say the jobs, a share each, and hands over each sound as it comes.

    Raises:
        SprdError: espeak-ng cannot say one.
        DataError: One is silent.
    """
    n_children = max(1, min(os.cpu_count() or 1, 16, len(jobs)))
    stop = threading.Event()
    with ThreadPoolExecutor(n_children) as pool:
        shares = [jobs[first::n_children] for first in range(n_children)]
        futures = [pool.submit(_speak_share, share, take, stop) for share in shares]
        try:
            for future in futures:
                future.result()
        finally:
            stop.set()


def _speak_share(
    jobs: Sequence[Job], take: Callable[[Job, Wave], None], stop: threading.Event
) -> None:
    request = json.dumps([asdict(job) for job in jobs]).encode()
    child = subprocess.Popen(
        [sys.executable, "-m", "sprd.audio.voices.speak"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    with child:
        assert child.stdin and child.stdout and child.stderr
        try:
            # A child that died at once says why on stderr: the missing answer tells below.
            with suppress(BrokenPipeError), child.stdin as pipe:
                pipe.write(request)
            for job in jobs:
                size = child.stdout.read(4)
                if stop.is_set():
                    return
                if len(size) < 4:
                    child.kill()  # one that gave no answer but lives would never end its reason
                    reason = child.stderr.read().decode(errors="replace").strip()
                    raise SprdError(
                        f"synthetic speech: espeak-ng must say {job.text!r} as {job.voice!r}, got "
                        f"{' '.join(reason.split()) or 'no answer'}. Choose another data.source."
                    )
                sound = np.frombuffer(child.stdout.read(*struct.unpack("<I", size)), "<i2")
                if not sound.any():
                    raise DataError(
                        f"synthetic speech: a keyword must be a word that can be spoken, got "
                        f"{job.text!r}, which is silent. Write it in letters."
                    )
                take(job, sound / 32768.0)
        finally:
            child.kill()


def _write(path: Path, samples: NDArray[np.int16]) -> None:
    # Not by soundfile into the file: a full disk would be an error of its own kind.
    content = io.BytesIO()
    soundfile.write(content, samples, SAMPLE_RATE_HZ, subtype="PCM_16", format="WAV")
    path.write_bytes(content.getvalue())
