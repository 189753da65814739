"""Which streams a corpus gives, and what lies in them."""

import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sprd.audio import stream_sets
from sprd.audio.bank import noise_parts, open_noise
from sprd.audio.clips import read_clip
from sprd.audio.corpus import NOISES, Corpus
from sprd.audio.running import Recording
from sprd.audio.split import Split
from sprd.audio.stream_sets import WHOLE, Cut, Lengths, StreamSet, Written, sets_of
from tests.audio.recorded import RATE_HZ, write
from tests.audio.spoken import DATA, clip, corpus, recording, tone

FEW = Lengths(keywords_s=9.0, speech_s=5.0, words_s=3.0, noise_s=1.0)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("made")


def of(folder: Path, lengths: Lengths = WHOLE, seed: int = 0) -> tuple[StreamSet, ...]:
    return sets_of(corpus(folder), DATA, Split.VALIDATION, seed, RATE_HZ, lengths)


def samples_of(folder: Path, name: str) -> np.ndarray:
    return np.fromfile(folder / name, "<i2")


def test_the_speakers_and_recordings_of_the_split_are_heard(made: Path) -> None:
    """Each clip once, keywords and other words apart; what others train on is not heard."""
    keywords, speech, words, noise = of(made)
    assert [one.material for one in (keywords, speech, words, noise)] == [
        "keywords",
        "speech",
        "words",
        "noise",
    ]
    assert {(one.word, one.speaker) for one in keywords.clips} == {
        (word, f"s{i}") for word in ("up", "down") for i in range(3)
    }
    assert {one.word for one in words.clips} == {"cat"}
    assert [cut.recording.key for cut in noise.cuts] == ["n/heard.wav"]
    assert len(speech.cuts) == 3


def test_each_material_is_bounded_fairly(made: Path) -> None:
    """Words are drawn in turn, groups of recordings too."""
    keywords, speech, words, _ = of(made, FEW)
    assert sorted(one.word for one in keywords.clips) in (
        ["down", "down", "up"],
        ["down", "up", "up"],
    )
    assert [cut.recording.key for cut in speech.cuts] == ["talk/a-0.wav", "talk/b-0.wav"]
    assert len(words.clips) == 1


def test_noise_is_as_long_as_its_recordings(made: Path) -> None:
    """A recording of seconds counts for no more: so all are taken that were asked for."""
    cuts = [cut for one in of(made) if one.material == "noise" for cut in one.cuts]
    assert cuts
    assert [cut.end_s for cut in cuts] == [cut.recording.seconds for cut in cuts]


def test_the_key_says_what_the_samples_depend_on(made: Path) -> None:
    """Speech is the same for each seed, words are not; other contents have other keys."""
    first, other_seed = of(made), of(made, seed=1)
    assert [a.key == b.key for a, b in zip(first, other_seed, strict=True)] == [
        False,
        True,
        False,
        True,
    ]
    changed = sets_of(corpus(made, fingerprint="other"), DATA, Split.VALIDATION, 0, RATE_HZ, WHOLE)
    assert not {one.key for one in first} & {one.key for one in changed}
    assert len({one.key for one in (*first, *changed)}) == 8


def test_keywords_lie_at_the_same_places_in_every_condition(made: Path, tmp_path: Path) -> None:
    """A silent room and three ratios, of which the noise alone differs, by 10 dB as told."""
    written = of(made)[0].write(tmp_path)
    assert [one.snr_db for one in written] == [None, 20.0, 10.0, 5.0]
    assert len({one.said for one in written}) == 1
    dry = samples_of(tmp_path, "quiet.pcm").astype(np.float64)
    noise = [samples_of(tmp_path, f"{n}dB.pcm") - dry for n in (20, 10)]
    power = [float(np.square(one).mean()) for one in noise]
    assert 10 * np.log10(power[1] / power[0]) == pytest.approx(10, abs=0.3)


def test_a_word_is_told_with_where_it_is(made: Path, tmp_path: Path) -> None:
    """Onset and end are those of the burst in its recording, to 30 ms."""
    quiet = of(made)[0].write(tmp_path)[0]
    stream = samples_of(tmp_path, quiet.file)
    for said, piece in zip(quiet.said, quiet.pieces, strict=True):
        assert said.key == piece.key
        assert piece.start_s <= said.onset_s < said.end_s <= piece.end_s
        assert said.end_s - said.onset_s == pytest.approx(0.3, abs=0.03)
        part = stream[round(said.onset_s * RATE_HZ) : round(said.end_s * RATE_HZ)]
        assert np.abs(part.astype(int)).mean() > 2000
        first = round((said.onset_s - piece.start_s + piece.offset_s) * RATE_HZ)
        clip = read_clip(made / piece.key, RATE_HZ)[first : first + len(part)]
        assert np.abs(clip.astype(int) - part).max() < 100  # hiss alone


def test_recordings_lie_one_after_the_other_sample_by_sample(made: Path, tmp_path: Path) -> None:
    """A piece is its recording, its group the reader, or the folder where nobody is named."""
    speech = of(made)[1].write(tmp_path)
    assert [piece.group for piece in speech[0].pieces] == ["a", "b", "talk"]
    stream = samples_of(tmp_path, speech[0].file)
    for piece in speech[0].pieces:
        part = stream[round(piece.start_s * RATE_HZ) : round(piece.end_s * RATE_HZ)]
        np.testing.assert_array_equal(part, read_clip(made / piece.key, RATE_HZ))


def test_what_is_longer_than_a_stream_goes_on_in_the_next(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is lost at the border: a recording has a piece in each part."""
    speech = of(made)[1]
    monkeypatch.setattr(stream_sets, "PART_S", 3.0)
    written = speech.write(tmp_path)
    assert len(written) == 4
    lengths = {"talk/a-0.wav": 4.0, "talk/b-0.wav": 3.0, "talk/c.wav": 2.0}
    for key, seconds in lengths.items():
        pieces = [piece for one in written for piece in one.pieces if piece.key == key]
        assert sum(piece.end_s - piece.start_s for piece in pieces) == pytest.approx(seconds)
    assert all(len(samples_of(tmp_path, one.file)) <= 3 * RATE_HZ for one in written)
    check_places(written, made, tmp_path)


def check_places(written: list[Written], made: Path, folder: Path) -> None:
    """Each piece is what its recording has from its second on."""
    for one in written:
        stream = samples_of(folder, one.file)
        for piece in one.pieces:
            part = stream[round(piece.start_s * RATE_HZ) : round(piece.end_s * RATE_HZ)]
            first = round(piece.offset_s * RATE_HZ)
            source = read_clip(made / piece.key, RATE_HZ)[first : first + len(part)]
            np.testing.assert_array_equal(part, source)


def test_cuts_are_told_with_their_place_in_the_recording(made: Path, tmp_path: Path) -> None:
    """What is left out between two of them makes two pieces; what is not makes one."""
    speech = of(made)[1]
    recording = next(one.recording for one in speech.cuts if one.recording.key == "talk/a-0.wav")
    cuts = (Cut(recording, 0.5, 1.0), Cut(recording, 1.0, 1.5), Cut(recording, 2.0, 3.5))
    written = replace(speech, cuts=cuts).write(tmp_path)
    assert [piece.offset_s for piece in written[0].pieces] == [0.5, 2.0]
    check_places(written, made, tmp_path)


def behind(corpus_: Corpus, folder: Path) -> list[np.ndarray]:
    """The recordings of noise that lie behind the keywords of validation."""
    keywords = sets_of(corpus_, DATA, Split.VALIDATION, 0, RATE_HZ, WHOLE)[0]
    written = keywords.write(folder)
    assert (samples_of(folder, written[1].file) != samples_of(folder, written[0].file)).any()
    return stream_sets._noise_waves(keywords, np.random.default_rng(0))


def test_of_few_recordings_of_noise_a_part_lies_behind_that_no_training_hears(
    made: Path, tmp_path: Path
) -> None:
    """At other times, however long scenes are; and there is no stream of noise alone."""
    whole = corpus(made)
    write(tmp_path / "long.wav", tone(20.0))
    long = replace(whole.noises[0], path=tmp_path / "long.wav", key="n/long.wav", split=None)
    parted = replace(whole, noises=(long,), noise=(long.path,))
    (heard,), (trained,) = (
        behind(parted, tmp_path),
        open_noise(parted, Split.TRAINING, RATE_HZ, 4 * RATE_HZ),
    )
    recorded = read_clip(long.path, RATE_HZ)
    n = len(recorded)
    np.testing.assert_array_equal(trained, recorded[: int(0.7 * n)])
    np.testing.assert_array_equal(heard, recorded[int(0.7 * n) : int(0.85 * n)])
    sets = sets_of(parted, DATA, Split.VALIDATION, 0, RATE_HZ, WHOLE)
    assert "noise" not in {one.material for one in sets}
    assert sets[0].key != of(made)[0].key


def test_noise_that_training_hears_whole_never_lies_behind(made: Path, tmp_path: Path) -> None:
    """Where a split has no recording of its own, noise is made."""
    whole = corpus(made)
    bare = replace(whole, noises=whole.noises[1:], noise=whole.noise[1:], fingerprint="bare")
    heard = behind(bare, tmp_path)
    assert len(heard) == len(NOISES)
    made_too = noise_parts(replace(bare, noises=()), Split.VALIDATION, RATE_HZ, RATE_HZ)
    np.testing.assert_array_equal(heard, made_too)


def test_a_long_recording_takes_no_memory(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half an hour is written with less memory than a minute of it takes."""
    long = replace(recording(made, "talk/long.wav", 0.1), seconds=1800.0)
    block = np.ones(RATE_HZ * 20, np.int16)

    def blocks(one: Recording, rate_hz: int) -> Iterator[np.ndarray]:
        for _ in range(90):
            yield block

    monkeypatch.setattr(stream_sets, "read_recording", blocks)
    corpus_ = replace(corpus(made), speech=(long,))
    speech = sets_of(corpus_, DATA, Split.VALIDATION, 0, RATE_HZ, WHOLE)[1]
    assert len(speech.cuts) == 3
    tracemalloc.start()
    try:
        written = speech.write(tmp_path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(written) == 2
    assert sum(len(samples_of(tmp_path, one.file)) for one in written) >= 1800 * RATE_HZ
    assert peak < 60 * RATE_HZ * 2


def test_a_split_without_keywords_has_no_stream_of_them(made: Path) -> None:
    """Testing has nobody here: no stream at all."""
    assert sets_of(corpus(made), DATA, Split.TESTING, 0, RATE_HZ, WHOLE) == ()


def test_many_words_are_parted(made: Path) -> None:
    """More words than twenty minutes hold are several sets, with all of them once."""
    one = clip(made, "up", "many")
    many = [replace(one, key=f"up/{i}", speaker=f"m{i}") for i in range(1000)]
    keywords = sets_of(
        replace(corpus(made), clips=tuple(many), speech=(), noises=()),
        DATA,
        Split.VALIDATION,
        0,
        RATE_HZ,
        WHOLE,
    )[:3]
    assert [len(part.clips) for part in keywords] == [405, 405, 190]
    assert len({one.key for part in keywords for one in part.clips}) == 1000


def test_without_recorded_speech_synthetic_voices_talk(made: Path, tmp_path: Path) -> None:
    """Their stream says that it is none of people, and which voice says what where."""
    bare = replace(corpus(made), speech=())
    speech = sets_of(bare, DATA, Split.VALIDATION, 0, RATE_HZ, replace(WHOLE, speech_s=10.0))[1]
    assert speech.material == "speech"
    assert speech.is_synthetic
    assert not of(made)[1].is_synthetic
    written = speech.write(tmp_path)
    assert len(written[0].pieces) == 3
    assert {piece.key.partition("/")[0] for piece in written[0].pieces} == {"synthetic talk"}
    seconds = len(samples_of(tmp_path, written[0].file)) / RATE_HZ
    assert 5.0 < seconds < 16.0
