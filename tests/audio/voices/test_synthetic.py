"""Synthetic speech: the same settings give the same bytes, and the words are whole."""

import importlib.metadata
import json
import struct
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sprd.audio.voices import synthetic
from sprd.audio.voices.studio import CLIP_SAMPLES, finish, made_noise
from sprd.audio.voices.synthetic import (
    LANGUAGES,
    OTHER_WORDS,
    Recipe,
    SpeechSettings,
    other_words,
    plan,
    synthesize,
)
from sprd.errors import DataError, SprdError

SETTINGS = SpeechSettings(("up", "ice cream"), n_voices=6, n_takes=2, n_other_words=3)


def recipe(n_voices: int, n_takes: int = 1, words: tuple[str, ...] = ("up",)) -> Recipe:
    return Recipe(1, "", words, (), n_voices, n_takes, 0)


def spoken(jobs: list[dict[str, object]]) -> list[bytes]:
    """Has one child say the jobs, in order."""
    child = subprocess.run(
        [sys.executable, "-m", "sprd.audio.voices.speak"],
        input=json.dumps(jobs).encode(),
        capture_output=True,
        check=True,
        cwd=Path(synthetic.__file__).parents[3],
    )
    sounds, rest = [], child.stdout
    while rest:
        (size,) = struct.unpack("<I", rest[:4])
        sounds.append(rest[4 : 4 + size])
        rest = rest[4 + size :]
    return sounds


def bytes_of(folder: Path) -> dict[str, bytes]:
    paths = (p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in paths}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesize(SETTINGS, folder=tmp_path_factory.mktemp("made") / "one")


def test_every_voice_says_every_word(made: Path) -> None:
    """Keywords in each take, other words once, and four recordings of noise."""
    counts = {f.name: len(list(f.glob("*.wav"))) for f in made.iterdir() if f.is_dir()}
    assert counts == {
        "up": 12, "ice cream": 12, "zero": 6, "one": 6, "two": 6, "_background_noise_": 4
    }  # fmt: skip
    assert len({p.name.split("_nohash_")[0] for p in (made / "up").iterdir()}) == 6


def test_clips_are_one_second_and_hold_a_whole_word(made: Path) -> None:
    """16 kHz, mono, 16 bits; not clipped, not silent, quiet at both ends."""
    for path in sorted(made.glob("*/*_nohash_*.wav")):
        samples, rate_hz = soundfile.read(path, dtype="int16")
        assert (rate_hz, samples.shape, soundfile.info(path).subtype) == (
            16_000,
            (16_000,),
            "PCM_16",
        )
        loudness = np.abs(samples.astype(int))
        assert 1000 < loudness.max() < 32_767
        assert max(loudness[:160].max(), loudness[-160:].max()) < 0.35 * loudness.max()


def test_the_same_settings_give_the_same_bytes(made: Path, tmp_path: Path) -> None:
    """Whoever builds it, and whenever."""
    assert bytes_of(made) == bytes_of(synthesize(SETTINGS, folder=tmp_path / "two"))


def test_another_seed_is_another_data_set(made: Path, tmp_path: Path) -> None:
    """Other speakers, even."""
    settings = replace(SETTINGS, n_voices=1, n_other_words=0, seed=1)
    other = bytes_of(synthesize(settings, folder=tmp_path / "two"))
    assert not {name for name in other if "_nohash_" in name} & set(bytes_of(made))


def test_what_was_said_before_does_not_matter() -> None:
    """espeak-ng's noise and echo outlive a word; each job gets a fresh one."""
    voices = ("en-us+f2", "en+Alicia", "en-029+croak", "en-us+f4")
    jobs = [asdict(job) for job in plan(recipe(4))]
    jobs = [job | {"voice": voice} for job, voice in zip(jobs, voices, strict=True)]
    forwards = spoken(jobs)
    assert all(forwards)
    assert forwards == spoken(jobs[::-1])[::-1]
    assert forwards[0] == spoken(jobs[:1])[0]


def test_every_accent_and_variant_is_one_of_this_espeak(tmp_path: Path) -> None:
    """A name that it does not know would be spoken in some other voice."""
    jobs = [asdict(job) for job in plan(recipe(len(LANGUAGES)))]
    jobs = [
        job | {"voice": f"{language}+f1", "pitch": 50, "rate": 150, "range": 50, "text": "car"}
        for job, language in zip(jobs, LANGUAGES, strict=True)
    ]
    assert len(set(spoken(jobs))) > len(LANGUAGES) // 2
    from espeakng_loader import get_data_path

    known = {path.name for path in (Path(get_data_path()) / "voices" / "!v").iterdir()}
    assert set(synthetic.VARIANTS) <= known


def test_voices_differ_and_stay_when_more_are_asked_for() -> None:
    """400 voices are 400 pairs of accent and variant; the first ones are those of a smaller set."""
    few, many = (list(plan(recipe(n))) for n in (60, 400))
    assert few == many[:60]
    assert len({job.voice for job in many}) == len({job.speaker for job in many}) == 400
    assert all(len(job.speaker) == 8 and int(job.speaker, 16) >= 0 for job in many)


def test_takes_differ(made: Path) -> None:
    """In rate, pitch or emphasis."""
    jobs = list(plan(recipe(1, n_takes=5)))
    assert len({(job.text, job.rate, job.pitch, job.range) for job in jobs}) == 5


def test_other_words_are_never_keywords() -> None:
    """Not in another case either, and there are enough of them."""
    assert "up" not in other_words(("Up",), 60)
    assert len(other_words(OTHER_WORDS[:10], 60)) == 60
    assert len(set(OTHER_WORDS)) == len(OTHER_WORDS)


def test_a_data_set_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the cache, under a name that its settings decide; keywords in any order."""
    monkeypatch.setenv("SPRD_CACHE", str(tmp_path))
    seen: list[tuple[str, int, int]] = []
    first = synthesize(
        SpeechSettings(("up", "no"), 1, 1, 0), progress=lambda *step: seen.append(step)
    )
    assert seen[-1] == ("speaking", 6, 6)
    monkeypatch.setattr(synthetic, "_build", lambda *args: pytest.fail("built again"))
    assert first == synthesize(SpeechSettings(("no", "up"), 1, 1, 0))
    assert first.parent == tmp_path / "synthetic"


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    """Recordings are never replaced by synthetic ones."""
    (tmp_path / "mine.wav").write_text("")
    with pytest.raises(DataError, match="new or empty"):
        synthesize(SpeechSettings(("up",), 1, 1, 0), folder=tmp_path)
    assert (tmp_path / "mine.wav").exists()


@pytest.mark.parametrize("word", ["", " ", "_silence_", "../up", ".up", "u\np"])
def test_a_keyword_that_is_no_word_is_refused(tmp_path: Path, word: str) -> None:
    """It names a folder and is spoken: both must work."""
    with pytest.raises(DataError, match="must be a word"):
        synthesize(SpeechSettings((word,), 1, 1, 0), folder=tmp_path / "x")


def test_without_espeak_the_message_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no dependency, for its licence."""

    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(DataError, match=r"sprd\[synth\]"):
        synthesize(SpeechSettings(("up",), 1, 1, 0), folder=tmp_path / "x")


def test_a_child_that_fails_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason of espeak-ng is in the message."""
    monkeypatch.setattr(synthetic, "VARIANTS", ("f1",))
    monkeypatch.setattr(synthetic, "LANGUAGES", ("xx-none",))
    with pytest.raises(SprdError, match=r"xx-none.*voice must be one"):
        synthesize(SpeechSettings(("up",), 1, 1, 0), folder=tmp_path / "x")
    assert [p for p in tmp_path.iterdir() if p.name != "cache"] == []


def test_espeak_is_never_loaded_here(made: Path) -> None:
    """Its licence is GPL-3: it stays in the child."""
    assert "libespeak" not in Path("/proc/self/maps").read_text()


@pytest.mark.parametrize("seconds", [0.01, 0.5, 2.0])
def test_a_word_of_any_length_becomes_one_second(seconds: float) -> None:
    """Longer ones lose their end gently."""
    sound = np.sin(np.arange(int(22_050 * seconds)) / 10)
    clip = finish(sound, 22_050, "speaker", "name", 0)
    assert (clip.shape, clip.dtype) == ((CLIP_SAMPLES,), np.int16)


@pytest.mark.parametrize("name", ["white", "pink", "brown", "hum", "quiet"])
def test_noise_depends_on_its_name_and_seed(name: str) -> None:
    """And is near full scale, but for the quiet one."""
    noise = made_noise(name, 16_000, 16_000)
    assert np.array_equal(noise, made_noise(name, 16_000, 16_000))
    assert not np.array_equal(noise, made_noise(name, 16_000, 16_000, seed=1))
    assert np.abs(noise).max() == (4 if name == "quiet" else 29_491)
