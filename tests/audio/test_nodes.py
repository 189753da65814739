"""The index of one machine on another, which has its own cache."""

import hashlib
import io
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sprd.audio import speech_commands
from sprd.audio.corpus import open_corpus
from sprd.audio.nodes import resolve_on_node
from sprd.audio.speech_commands import Release, fetch_speech_commands
from sprd.config.trial import DataSection
from sprd.errors import DataError, DownloadError
from tests.audio.speech import library, say
from tests.served import Server


def section(**changes: object) -> DataSection:
    return DataSection.model_validate({"keywords": ("yes", "no"), **changes})


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """30 speakers, two keywords, one other word."""
    root = tmp_path / "recordings"
    for number, word in enumerate(("yes", "no", "cat")):
        (root / word).mkdir(parents=True)
        for speaker in range(30):
            samples = np.full(160, 100 * number + speaker, np.int16)
            soundfile.write(root / word / f"{speaker:08x}_nohash_0.wav", samples, 16_000)
    return root


@pytest.fixture
def other_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everything from now on is asked on a machine with an empty cache."""
    monkeypatch.setenv("SPRD_CACHE", str(tmp_path / "head"))
    return tmp_path / "node"


def test_a_folder_that_is_shared_is_read_where_it_is(recordings: Path) -> None:
    """The index is the same one."""
    data = section(source=str(recordings))
    corpus = open_corpus(data)
    assert resolve_on_node(corpus, data) is corpus


def test_a_folder_that_is_not_shared_is_named(recordings: Path) -> None:
    """By its first file."""
    data = section(source=str(recordings))
    corpus = open_corpus(data)
    shutil.rmtree(recordings)
    with pytest.raises(DataError, match=r"cat/00000000_nohash_0\.wav: must be on every node"):
        resolve_on_node(corpus, data)


def test_running_speech_that_is_not_shared_is_named(recordings: Path, tmp_path: Path) -> None:
    """Of each folder that flags or the file named."""
    folders = (library(tmp_path / "a"), library(tmp_path / "b", said="WHAT ELSE"))
    say(folders[1], "9-9-0009.wav", seed=999)
    (folders[1] / "9.trans.txt").write_text("9-9-0009 HELLO")
    data = section(source=str(recordings))
    corpus = open_corpus(data, speech=folders)
    assert resolve_on_node(corpus, data) is corpus
    shutil.rmtree(folders[1])
    with pytest.raises(DataError, match=r"9-9-0009\.wav: must be on every node"):
        resolve_on_node(corpus, data)


def test_synthetic_speech_is_spoken_where_it_is_not(
    other_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same bytes at another place."""
    data = section(source="synthetic", n_voices=60, n_takes=1, n_other_words=5)
    corpus = open_corpus(data)
    shutil.rmtree(corpus.clips[0].path.parents[1])
    monkeypatch.setenv("SPRD_CACHE", str(other_machine))
    here = resolve_on_node(corpus, data)
    assert here.fingerprint == corpus.fingerprint
    assert [clip.key for clip in here.clips] == [clip.key for clip in corpus.clips]
    assert all(
        clip.path.is_relative_to(other_machine) and clip.path.exists() for clip in here.clips
    )


def test_speech_commands_is_fetched_where_it_is_not(
    server: Server, recordings: Path, other_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once; with its checksum, and what else is served there is refused."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        archive.add(recordings, ".")
    server.content = stream.getvalue()
    release = Release(server.url, hashlib.sha256(server.content).hexdigest())
    monkeypatch.setitem(speech_commands.RELEASES, "v0.02", release)
    folder = fetch_speech_commands("v0.02", None, None)
    data = section(source="speech_commands")
    corpus = open_corpus(data)
    shutil.rmtree(folder)
    monkeypatch.setenv("SPRD_CACHE", str(other_machine))
    here = resolve_on_node(corpus, data)
    assert here.fingerprint == corpus.fingerprint and here.clips[0].path.exists()
    assert (
        resolve_on_node(corpus, data).fingerprint == corpus.fingerprint and len(server.ranges) == 2
    )
    shutil.rmtree(other_machine)
    server.content = server.content[:-1] + b"x"
    with pytest.raises(DownloadError, match="SHA-256"):
        resolve_on_node(corpus, data)


def test_recordings_that_come_out_otherwise_are_refused(
    other_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another release of the synthesiser speaks otherwise: its scores cannot be compared."""
    data = section(source="synthetic", n_voices=60, n_takes=1, n_other_words=5)
    corpus = open_corpus(data)
    shutil.rmtree(corpus.clips[0].path.parents[1])
    monkeypatch.setenv("SPRD_CACHE", str(other_machine))
    clip = resolve_on_node(corpus, data).clips[0]
    samples, rate = soundfile.read(clip.path, dtype="int16")
    soundfile.write(clip.path, samples // 2, rate)
    with pytest.raises(DataError, match="must be the same on every node"):
        resolve_on_node(corpus, data)
