"""Which file is whose word: by flags, folders and names, and asked for where they leave it open."""

import json
from pathlib import Path

import pytest

from sprd.audio.importing.plan import Asked, Plan, plan_import
from sprd.errors import DataError, InputError

NOTHING = Asked()
Told = set[tuple[str, str, str, str | None]]


def make(folder: Path, *names: str) -> Path:
    """Empty files: a plan reads no sound."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def plan(folder: Path, asked: Asked = NOTHING) -> Plan:
    """The plan of one folder."""
    return plan_import([folder], asked, folder.parent / "out")


def told(folder: Path, asked: Asked = NOTHING) -> Told:
    """File, word, speaker and split of each."""
    items = plan(folder, asked).items
    return {(str(i.path.relative_to(folder)), i.word, i.speaker, i.split) for i in items}


@pytest.mark.parametrize(
    ("name", "word", "speaker"),
    [
        ("up/anna.wav", "up", "anna"),
        ("anna/up.wav", "up", "anna"),
        ("up/anna/0.wav", "up", "anna"),
        ("anna/up/take 2.wav", "up", "anna"),
        ("home/up/anna/0.wav", "up", "anna"),
        ("anna_up_01.wav", "up", "anna"),
        ("up-anna.wav", "up", "anna"),
        ("up/anna_up_3.wav", "up", "anna"),
        ("Up/Anna2.wav", "up", "anna"),
        ("robot/speaker2.wav", "robot", "speaker2"),
        ("robot/0a1b2c3d_nohash_4.wav", "robot", "0a1b2c3d"),
    ],
)
def test_word_and_speaker_are_read_from_names(
    tmp_path: Path, name: str, word: str, speaker: str
) -> None:
    """Whichever comes first, where one of them is a common word or a numbered person."""
    assert told(make(tmp_path / "in", name)) == {(name, word, speaker, None)}


def test_order_is_decided_for_all_files_together(tmp_path: Path) -> None:
    """One common word tells how the other folders are meant."""
    names = [f"{who}/{word}.wav" for who in ("anna", "ben") for word in ("frobnicate", "stop")]
    assert {(word, who) for _, word, who, _ in told(make(tmp_path / "in", *names))} == {
        (word, who) for who in ("anna", "ben") for word in ("frobnicate", "stop")
    }


def test_open_order_is_refused_with_both_commands(tmp_path: Path) -> None:
    """And each of them decides it."""
    folder = make(tmp_path / "in", "robot/anna.wav", "robot/ben.wav", "hello/anna.wav")
    with pytest.raises(InputError) as refused:
        told(folder)
    assert "--order word-speaker if 'hello' is the word" in str(refused.value)
    assert "--order speaker-word" in str(refused.value)
    assert ("hello/anna.wav", "hello", "anna", None) in told(folder, Asked(order="word-speaker"))
    assert ("hello/anna.wav", "anna", "hello", None) in told(folder, Asked(order="speaker-word"))


def test_flags_go_before_names(tmp_path: Path) -> None:
    """What is left of the names is the other one."""
    folder = make(tmp_path / "in", "anna_jump_1.wav", "ben_jump_1.wav")
    assert {w for _, w, *_ in told(folder, Asked(word="jump"))} == {"jump"}
    assert {who for *_, who, _ in told(folder, Asked(word="jump"))} == {"anna", "ben"}
    one = make(tmp_path / "one", "memo.wav")
    assert told(one, Asked("jump", "Anna B")) == {("memo.wav", "jump", "anna-b", None)}
    kit = make(tmp_path / "kit", "jump.wav", "crouch.wav")
    assert {w for _, w, *_ in told(kit, Asked(speaker="anna"))} == {"jump", "crouch"}


@pytest.mark.parametrize(
    ("name", "told_"),
    [
        ("memo.wav", "say no word. Add --word WORD"),
        ("anna.wav", "got 'anna' alone. Add --word WORD if it is the speaker"),
        ("speaker2/001.wav", "got 'speaker2' alone"),
        ("anna_berta_robot.wav", "word and speaker must be told"),
    ],
)
def test_names_that_say_too_little_are_refused(tmp_path: Path, name: str, told_: str) -> None:
    """With the flag that says it."""
    with pytest.raises(InputError, match=told_):
        told(make(tmp_path / "in", name))


def test_file_without_a_speaker_counts_as_a_person_and_is_told(tmp_path: Path) -> None:
    """Its name stands for the person; the flag is named."""
    made = plan(make(tmp_path / "in", "up/001.wav", "up/002.wav"))
    assert [(item.word, item.speaker) for item in made.items] == [("up", "001"), ("up", "002")]
    assert "2 files name no speaker" in made.notes[0] and "--speaker NAME" in made.notes[0]


def test_folders_of_splits_are_no_words(tmp_path: Path) -> None:
    """They are kept; a single folder of that name is a word like others."""
    names = ["train/up/anna.wav", "Val/up/ben.wav", "test/up/cleo.wav"]
    assert {(who, split) for *_, who, split in told(make(tmp_path / "in", *names))} == {
        ("anna", "training"),
        ("ben", "validation"),
        ("cleo", "testing"),
    }
    assert told(make(tmp_path / "one", "test/p1.wav")) == {("test/p1.wav", "test", "p1", None)}


def test_edge_impulse_names_are_read(tmp_path: Path) -> None:
    """Label, recording and part of it, in folders of splits."""
    names = ["training/jump.3k2l1m.s01.wav", "testing/robot.wav.9z8y7x.ingestion-abc.wav"]
    assert told(make(tmp_path / "in", *names)) == {
        (names[0], "jump", "3k2l1m", "training"),
        (names[1], "robot", "9z8y7x", "testing"),
    }
    assert "2 files name no speaker" in plan(tmp_path / "in").notes[0]


def test_export_with_a_listing_goes_by_that(tmp_path: Path) -> None:
    """Not by names; recordings that it does not list are told, noise is no word."""
    folder = make(tmp_path / "in", "training/memo.4a.wav", "training/n.4b.wav", "testing/x.4c.wav")
    labels = [("memo.4a", "jump"), ("n.4b", "noise")]
    files = [
        {
            "path": f"training/{name}.wav",
            "category": "training",
            "label": {"type": "label", "label": label},
        }
        for name, label in labels
    ]
    (folder / "info.labels").write_text(json.dumps({"version": 1, "files": files}))
    assert told(folder) == {
        ("training/memo.4a.wav", "jump", "memo-4a", "training"),
        ("training/n.4b.wav", "_background_noise_", "n.4b", "training"),
    }
    first, second = plan(folder).notes
    assert f"1 recordings of which {folder} says no word (first {folder}/testing/x.4c" in first
    assert "1 file names no speaker" in second
    asked = Asked(speaker="anna")
    assert plan(folder, asked).notes == (first,)


def test_folder_beside_a_data_set_with_tables_is_imported_too(tmp_path: Path) -> None:
    """Each source by its own rule."""
    table = make(tmp_path / "cv", "clips/a.mp3")
    (table / "train.tsv").write_text("client_id\tpath\tsentence\nf00d\ta.mp3\tYes.\n")
    phone = make(tmp_path / "phone", "up/anna.wav")
    items = plan_import([table, phone], NOTHING, tmp_path / "out").items
    assert [(item.word, item.speaker) for item in items] == [("yes", "f00d"), ("up", "anna")]


def test_common_voice_is_read_by_its_tables(tmp_path: Path) -> None:
    """Words with case and marks taken off; sentences are left out and told."""
    folder = make(tmp_path / "in", "clips/a.mp3", "clips/b.mp3", "clips/c.mp3")
    head = "client_id\tpath\tsentence\n"
    (folder / "train.tsv").write_text(head + "f00d\ta.mp3\tYes.\n", encoding="utf-8")
    rows = "f00d\ta.mp3\tYes.\nbeef\tb.mp3\tZero\nbeef\tc.mp3\tnot one word\n"
    (folder / "validated.tsv").write_text(head + rows, encoding="utf-8")
    assert told(folder) == {
        ("clips/a.mp3", "yes", "f00d", "training"),
        ("clips/b.mp3", "zero", "beef", None),
    }
    assert plan(folder).notes == ("left out: 1 recordings of more than one word.",)


def test_noise_is_no_word(tmp_path: Path) -> None:
    """It goes where a corpus looks for it."""
    assert {w for _, w, *_ in told(make(tmp_path / "in", "up/anna.wav", "noise/kitchen.wav"))} == {
        "up",
        "_background_noise_",
    }


def test_flag_of_a_word_makes_no_word_of_noise(tmp_path: Path) -> None:
    """A recording of the room is cut into no clips of a word."""
    folder = make(tmp_path / "in", "memo_1.wav", "noise/kitchen.wav")
    items = plan(folder, Asked("jump", "anna")).items
    assert {item.word for item in items} == {"jump", "_background_noise_"}


@pytest.mark.parametrize("name", ["anna/session.wav", "jump_anna.wav", "anna_1.wav"])
def test_labels_tell_the_word_and_names_the_speaker(tmp_path: Path, name: str) -> None:
    """What a recording is called is no word that its labels must say."""
    asked = Asked(label_words=frozenset(("jump",)))
    assert told(make(tmp_path / "in", name), asked) == {(name, "", "anna", None)}


def test_several_sources_are_read_from_the_folder_that_they_share(tmp_path: Path) -> None:
    """So that `in/*` says what `in` says."""
    folder = make(tmp_path / "in", "up/anna.wav", "down/ben.wav")
    made = plan_import(sorted(folder.iterdir()), Asked(), tmp_path / "out")
    assert [(item.word, item.speaker) for item in made.items] == [("down", "ben"), ("up", "anna")]


def test_words_of_the_folder_that_is_filled_are_known(tmp_path: Path) -> None:
    """In its own spelling; it is no source, even if it lies in one."""
    folder = make(tmp_path / "in", "anna/robot.wav", "out/Robot/ben_nohash_0.wav")
    made = plan_import([folder], Asked(), folder / "out")
    assert [(item.word, item.speaker) for item in made.items] == [("Robot", "anna")]
    with pytest.raises(InputError, match="must go into a folder that is no source"):
        plan_import([folder], Asked(), folder)


def test_what_is_no_audio_is_told(tmp_path: Path) -> None:
    """Counted where there is audio too, refused where there is none; hidden files are not seen."""
    folder = make(tmp_path / "in", "up/anna.wav", "up/notes.txt", "up/.DS_Store")
    assert "left out: 1 file that are no audio" in plan(folder).notes[0]
    with pytest.raises(DataError, match="must be audio or hold some, got 1 other files"):
        plan(make(tmp_path / "text", "a.txt"))
    with pytest.raises(DataError, match="got no file"):
        plan(make(tmp_path / "empty", ".hidden"))
    with pytest.raises(DataError, match="got nothing there"):
        plan(tmp_path / "none")


def test_phones_recordings_need_pyav(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it one line counts them and says how to install it."""
    monkeypatch.setattr("sprd.audio.media.is_installed", lambda: False)
    with pytest.raises(DataError, match=r"2 files \(first .*\[media\]"):
        plan(make(tmp_path / "in", "up/anna.m4a", "up/ben.m4a"))


def test_linked_folders_are_followed_once(tmp_path: Path) -> None:
    """Links in circles do no harm."""
    folder = make(tmp_path / "in", "up/anna.wav")
    make(tmp_path / "other", "down/ben.wav")
    (folder / "circle").symlink_to(folder)
    (folder / "down").symlink_to(tmp_path / "other" / "down")
    assert {word for _, word, *_ in told(folder)} == {"up", "down"}
