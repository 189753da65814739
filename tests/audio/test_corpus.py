"""The index of a data set: splits by speaker, a fingerprint, errors that say what to do."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from sprd.audio.corpus import (
    Corpus,
    index_data,
    look_into,
    open_corpus,
    read_noise,
    split_digest,
)
from sprd.audio.split import Split, split_of
from sprd.audio.voices.synthetic import RECIPE_FILE, Recipe, plan
from sprd.config.frozen import replaced
from sprd.config.trial import DataSection
from sprd.errors import DataError

KEYWORDS = ("yes", "no")


def section(**changes: object) -> DataSection:
    return DataSection.model_validate({"keywords": KEYWORDS, **changes})


def write_clip(path: Path, value: int = 1, changed_s: float = 1e9) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        soundfile.write(file, np.full(160, value, np.int16), 16_000, format="WAV")
    os.utime(path, (changed_s, changed_s))


def indexed(folder: Path, data: DataSection, moved: Mapping[str, str] | None = None) -> Corpus:
    """The corpus of one folder, whatever is wrong with it."""
    return look_into(folder, data, moved=moved).corpus


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """30 speakers, two keywords, one other word, all contents different."""
    root = tmp_path / "clips"
    for number, word in enumerate(("yes", "no", "cat")):
        for speaker in range(30):
            write_clip(root / word / f"{speaker:08x}_nohash_0.wav", 100 * number + speaker)
    return root


def test_clips_are_sorted_and_named_alike_on_every_machine(folder: Path) -> None:
    """A key is `<word>/<file>`, whatever lies above."""
    corpus = open_corpus(section(source=str(folder)))
    keys = [clip.key for clip in corpus.clips]
    assert keys == sorted(keys)
    assert keys[0] == "cat/00000000_nohash_0.wav"
    assert corpus.words() == ("cat", "no", "yes")
    assert len(corpus.clips) == 90
    assert not corpus.is_synthetic


def test_a_speaker_lies_in_one_split(folder: Path) -> None:
    """No voice is heard in training and scored in testing."""
    corpus = open_corpus(section(source=str(folder)))
    speakers = [set(corpus.speakers(split)) for split in Split]
    assert all(speakers)
    assert len(set.union(*speakers)) == sum(map(len, speakers)) == 30


def test_the_fingerprint_follows_content_not_place(folder: Path, tmp_path: Path) -> None:
    """A copy elsewhere is the same data set; another sample, name or noise is another."""
    data = section()
    first = indexed(folder, data).fingerprint
    copy = shutil.copytree(folder, tmp_path / "copy")
    assert first == indexed(copy, data).fingerprint
    seen = {first}
    write_clip(copy / "yes" / "00000000_nohash_0.wav", 999, changed_s=1e9 + 1)
    seen.add(indexed(copy, data).fingerprint)
    (copy / "yes" / "00000000_nohash_0.wav").rename(copy / "yes" / "00000000_nohash_1.wav")
    seen.add(indexed(copy, data).fingerprint)
    write_clip(copy / "_background_noise_" / "hum.wav")
    seen.add(indexed(copy, data).fingerprint)
    assert len(seen) == 4


def test_another_salt_is_another_split_of_the_same_data(folder: Path) -> None:
    """The digest of the splits moves, the fingerprint does not."""
    one, two = (indexed(folder, section(split_salt=salt)) for salt in "ab")
    assert one.fingerprint == two.fingerprint
    assert split_digest(one) != split_digest(two)


def test_lists_of_the_data_set_are_honoured(folder: Path) -> None:
    """`auto` takes them where both are there; the speaker counts, and testing wins."""
    (folder / "validation_list.txt").write_text("yes/00000001_nohash_0.wav\r\n\n")
    data = section(split="hash")
    hashed = split_digest(indexed(folder, data))
    assert hashed == split_digest(indexed(folder, section()))
    (folder / "testing_list.txt").write_text(
        "no/00000002_nohash_0.wav\ncat/00000003_nohash_0.wav\n"
    )
    for split in ("auto", "lists"):
        corpus = indexed(folder, section(split=split))
        assert corpus.speakers(Split.VALIDATION) == ("00000001",)
        assert corpus.speakers(Split.TESTING) == ("00000002", "00000003")
        assert len(corpus.of(Split.TESTING)) == 6
    assert hashed == split_digest(indexed(folder, data))


def test_lists_that_are_demanded_must_be_there(folder: Path) -> None:
    """`lists` does not fall back to the hash."""
    with pytest.raises(DataError, match=r"validation_list\.txt"):
        indexed(folder, section(split="lists"))


def test_more_folders_are_merged_under_keys_of_their_own(folder: Path, tmp_path: Path) -> None:
    """The same speaker stays the same; the same file name is another clip."""
    write_clip(tmp_path / "mine" / "yes" / "00000001_nohash_0.wav", 5)
    corpus = open_corpus(section(source=str(folder), extra=(str(tmp_path / "mine"),)))
    clips = {clip.key: clip for clip in corpus.clips}
    assert len(clips) == len(corpus.clips) == 91
    extra, main = clips["extra1/yes/00000001_nohash_0.wav"], clips["yes/00000001_nohash_0.wav"]
    assert (extra.speaker, extra.split) == (main.speaker, main.split)
    assert str(tmp_path / "mine") in corpus.source


def test_a_folder_given_twice_is_refused(folder: Path) -> None:
    """Else each clip of it would count twice."""
    with pytest.raises(DataError, match="twice"):
        open_corpus(section(source=str(folder), extra=(str(folder),)))


def test_the_flag_overrides_the_source(folder: Path) -> None:
    """`--data` wins over the sweep file."""
    assert open_corpus(section(source="/nowhere"), (folder,)).clips


@pytest.mark.parametrize(
    ("spoil", "changes", "message"),
    [
        (lambda f: shutil.rmtree(f), {}, "No such file"),
        (lambda f: [shutil.rmtree(f / w) for w in ("yes", "no", "cat")], {}, "empty folder"),
        (lambda f: None, {"keywords": ("yess",)}, "Did you mean 'yes'"),
        (lambda f: shutil.rmtree(f / "cat"), {}, "no keyword, got none.*unknown_percentage"),
        (
            lambda f: None,
            {"validation_percentage": 0.0},
            "no validation speaker of 'yes', 'no', words.* 30 speakers.*data.validation_percentage",
        ),
        (lambda f: (f / "_silence_").mkdir() or write_clip(f / "_silence_/a.wav"), {}, "_silence_"),
    ],
)
def test_a_data_set_that_cannot_serve_is_an_error(
    folder: Path, spoil: Callable[..., Any], changes: dict[str, Any], message: str
) -> None:
    """Each message names the folder and what to do, in one line."""
    spoil(folder)
    with pytest.raises(DataError, match=message) as caught:
        open_corpus(section(source=str(folder), **changes))
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_too_few_speakers_are_named(folder: Path) -> None:
    """The keyword, how many said it, and what helps."""
    for path in sorted((folder / "no").iterdir())[1:]:
        path.unlink()
    with pytest.raises(DataError, match=r"got 1 speaker of 'no'\. Record .* data\.personal"):
        open_corpus(section(source=str(folder)))


def test_all_that_is_wrong_with_the_words_is_told_at_once(folder: Path) -> None:
    """A keyword that is missing, no other words, and too few speakers."""
    shutil.rmtree(folder / "cat")
    for path in sorted((folder / "no").iterdir())[2:]:
        path.unlink()
    with pytest.raises(DataError) as caught:
        open_corpus(section(source=str(folder), keywords=("yes", "no", "dog")))
    for problem in ("keyword 'dog', got none", "words that are no keyword", "2 speakers of 'no'"):
        assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_few_speakers_are_shared_out_and_known_again(tmp_path: Path) -> None:
    """Four people: one chooses, one scores; in another folder each is of the split it had."""
    for word in ("yes", "no", "cat"):
        for who in ("anna", "ben", "cleo", "dan"):
            write_clip(tmp_path / word / f"{who}_nohash_0.wav")
    data = section(source=str(tmp_path))
    corpus = open_corpus(data)
    assert [len(corpus.speakers(split)) for split in Split] == [2, 1, 1]
    assert indexed(tmp_path, data).clips == corpus.clips
    shutil.rmtree(tmp_path / "no")
    (who,) = corpus.speakers(Split.TESTING)
    (tmp_path / "yes" / f"{who}_nohash_0.wav").rename(tmp_path / "yes" / f"{who}_nohash_5.wav")
    known = indexed(tmp_path, data, corpus.moved)
    assert {c.speaker: c.split for c in known.clips} == {c.speaker: c.split for c in corpus.clips}
    assert known.moved == corpus.moved and who not in str(corpus.moved)
    hashed = indexed(tmp_path, data, {})
    assert all(clip.split == split_of(clip.speaker, data) for clip in hashed.clips)


def test_trial_that_wants_no_other_words_has_the_split_of_its_sweep(tmp_path: Path) -> None:
    """Told whom rank moved: by itself it would deal few speakers otherwise."""
    for number in range(12):
        for word in ("yes", "no", *(["cat"] if number < 4 else [])):
            write_clip(tmp_path / word / f"p{number}_nohash_0.wav")
    data = section(source=str(tmp_path))
    corpus, trial = open_corpus(data), replaced(data, unknown_percentage=0.0)
    assert split_digest(open_corpus(trial)) != split_digest(corpus)
    assert split_digest(index_data(trial, moved=corpus.moved).corpus) == split_digest(corpus)


def test_takes_of_one_person_are_known_again_in_their_folder_alone(
    tmp_path: Path, folder: Path
) -> None:
    """Merged in beside another folder, a take keeps its name."""
    for word in ("yes", "no"):
        for take in range(12):
            write_clip(tmp_path / "mine" / word / f"me_nohash_{take}.wav")
    data = section(source=str(folder), extra=(str(tmp_path / "mine"),), personal=True)
    corpus = open_corpus(data)
    known = indexed(tmp_path / "mine", data, corpus.moved)
    splits = {clip.path: clip.split for clip in corpus.clips}
    assert len(known.clips) == 24 and known.moved
    assert all(clip.split == splits[clip.path] for clip in known.clips)


def test_a_corpus_that_the_hash_splits_moves_nobody(folder: Path) -> None:
    """Nor does one that has lists."""
    assert open_corpus(section(source=str(folder))).moved == {}
    (folder / "validation_list.txt").write_text("yes/00000001_nohash_0.wav\n")
    (folder / "testing_list.txt").write_text("yes/00000002_nohash_0.wav\n")
    corpus = open_corpus(section(source=str(folder)))
    assert corpus.moved == {} and corpus.speakers(Split.VALIDATION) == ("00000001",)


@pytest.mark.parametrize("n_first", [1, 2, 3, 6])
def test_noise_is_known_again_among_other_folders(
    tmp_path: Path, folder: Path, n_first: int
) -> None:
    """Alone or beside more: what a model was trained on is never dealt to another split."""
    for number in range(n_first):
        write_clip(folder / "_background_noise_" / f"{number}.wav", 100 + number)
    for number in range(20):
        write_clip(tmp_path / "room" / "_background_noise_" / f"{number}.wav", 200 + number)
    data, folders = section(source=str(folder)), (folder, tmp_path / "room")

    def dealt(folders: tuple[Path, ...], moved: Mapping[str, str] | None) -> dict[str, object]:
        noises = index_data(data, folders, moved=moved).corpus.noises
        return {one.path.as_posix(): one.split for one in noises}

    small, large = (index_data(data, each).corpus for each in (folders[:1], folders))
    for first, later in ((small, folders), (large, folders[:1])):
        before = {one.path.as_posix(): one.split for one in first.noises}
        after = dealt(later, first.moved)
        assert len(before.keys() & after.keys()) == n_first
        assert all(after[path] is before[path] for path in before.keys() & after.keys())


def test_takes_of_one_person_are_split_when_asked_for(tmp_path: Path) -> None:
    """`personal`: each word is in each split, and the speaker in all."""
    for word in ("yes", "no", "cat"):
        for take in range(6):
            write_clip(tmp_path / word / f"me_nohash_{take}.wav")
    (tmp_path / "validation_list.txt").write_text("yes/me_nohash_0.wav\n")
    (tmp_path / "testing_list.txt").write_text("yes/me_nohash_1.wav\n")
    corpus = open_corpus(section(source=str(tmp_path), personal=True))
    assert corpus.is_personal
    for split in Split:
        assert {clip.word for clip in corpus.of(split)} == {"yes", "no", "cat"}
        assert corpus.speakers(split) == ("me",)


def test_recordings_beside_synthetic_voices_are_told_apart(folder: Path, tmp_path: Path) -> None:
    """By the speakers that the recipe names, in the folder of the voices and in others."""
    recipe = Recipe(1, "", ("yes", "no"), ("cat",), 12, 1, 0)
    voices = tmp_path / "voices"
    for job in plan(recipe):
        write_clip(voices / job.path)
    (voices / RECIPE_FILE).write_text(json.dumps(asdict(recipe)))
    data = section(source=str(voices), extra=(str(folder),))
    write_clip(voices / "yes" / "me_nohash_0.wav")
    corpus = open_corpus(data)
    spoken = [clip.key for clip in corpus.clips if clip.is_synthetic]
    assert corpus.is_synthetic and len(spoken) == 36 and len(corpus.clips) == 36 + 1 + 90
    assert not any(key.startswith("extra1/") or "/me_nohash_" in key for key in spoken)
    (voices / RECIPE_FILE).write_text("{}")
    assert sum(clip.is_synthetic for clip in open_corpus(data).clips) == 37


def test_without_unknown_words_none_are_needed(folder: Path) -> None:
    """`unknown_percentage = 0` asks for none."""
    shutil.rmtree(folder / "cat")
    assert open_corpus(section(source=str(folder), unknown_percentage=0.0)).words() == ("no", "yes")


def test_unreadable_files_are_skipped_and_counted(folder: Path) -> None:
    """A few are told, more than allowed are an error that names the first."""
    (folder / "cat" / "bad_nohash_0.wav").write_bytes(b"")
    with pytest.raises(DataError, match=r"1 of 91 .*cat/bad_nohash_0\.wav"):
        open_corpus(section(source=str(folder)))
    corpus = open_corpus(section(source=str(folder), max_bad_percentage=2.0))
    assert (corpus.n_skipped, len(corpus.clips)) == (1, 90)
    assert "empty" in corpus.skipped[0]


def test_hostile_names_work_and_others_are_ignored(folder: Path) -> None:
    """Spaces, quotes, line breaks; hidden files, notes, links in circles, sub-folders."""
    before = indexed(folder, section())
    (folder / "yes" / "notes.txt").write_text("")
    (folder / "yes" / ".hidden.wav").write_text("")
    (folder / "yes" / "dir.wav").mkdir()
    (folder / "loop").symlink_to(folder)
    (folder / "yes" / "loop.wav").symlink_to(folder / "yes" / "loop.wav")
    assert before == indexed(folder, section())
    for name in ("a b_nohash_0.wav", 'it\'s "x"_nohash_0.WAV', "a\nb_nohash_0.wav", "ü.wav"):
        write_clip(folder / "yes" / name)
    corpus = indexed(folder, section())
    assert {"a b", 'it\'s "x"', "a\nb", "ü"} < {clip.speaker for clip in corpus.clips}
    assert corpus == indexed(folder, section())


def test_a_name_that_is_no_utf_8_is_skipped(folder: Path) -> None:
    """It could not be written into a record."""
    write_clip(folder / "yes" / "a\udcff.wav")
    corpus = indexed(folder, section(max_bad_percentage=5.0))
    assert corpus.n_skipped == 1
    corpus.skipped[0].encode()


def test_accents_of_macos_are_the_keyword(folder: Path) -> None:
    """NFD in the name of a folder, NFC in the sweep file."""
    (folder / "yes").rename(folder / "fu\u0308r")
    assert "für" in open_corpus(section(source=str(folder), keywords=("für", "no"))).words()


def test_noise_is_read_or_made(folder: Path) -> None:
    """Without recordings it is made, the same each time."""
    made = read_noise(indexed(folder, section()), 4000)
    again = read_noise(indexed(folder, section()), 4000)
    assert [len(noise) for noise in made] == [240_000] * 5
    assert all(np.array_equal(one, two) for one, two in zip(made, again, strict=True))
    write_clip(folder / "_background_noise_" / "hum.wav", 7)
    corpus = indexed(folder, section())
    noise, *made_too = read_noise(corpus, 16_000)
    assert len(made_too) == 5, "7 samples cannot be shared out among the splits"
    assert np.all(noise == 7)
    assert len(corpus.clips) == 90


def test_real_speech_has_every_keyword_in_every_split(shared: Path) -> None:
    """3,905 clips, of which the same hash as Speech Commands would keep nearly all for testing."""
    data = section(
        source=str(shared / "data/speech_commands"),
        extra=(str(shared / "data/custom"),),
        keywords=("yes", "no", "up", "down"),
    )
    corpus = open_corpus(data)
    assert (len(corpus.clips), len(corpus.noise), corpus.n_skipped) == (3925, 4, 0)
    sizes = [len(corpus.of(split)) for split in Split]
    assert sizes[0] > 2500 and min(sizes) > 250
    assert len({c.split for c in corpus.clips if c.speaker == "treyb"}) == 1


def test_each_recording_of_noise_lies_in_one_split(folder: Path) -> None:
    """With its level; the same in whichever file name."""
    for number in range(4):
        write_clip(folder / "_background_noise_" / f"{number}.wav", 2**number)
    corpus = open_corpus(section(source=str(folder)))
    assert [one.path for one in corpus.noises] == list(corpus.noise)
    assert {one.split for one in corpus.noises} == set(Split)
    assert [one.rms_db for one in corpus.noises] == [-90.31, -84.29, -78.27, -72.25]
