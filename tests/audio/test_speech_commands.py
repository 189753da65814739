"""The download: resumed, verified, extracted whole or not at all. Served from 127.0.0.1."""

import hashlib
import io
import shutil
import socket
import tarfile
from pathlib import Path
from typing import Any

import pytest

from sprd.audio import speech_commands
from sprd.audio.speech_commands import fetch_speech_commands, is_complete
from sprd.errors import DownloadError, OutputError
from tests.served import Server


def archive_of(*members: tuple[str, bytes, bytes], size: int = 200_000) -> bytes:
    """Packs (name, kind, link target) into a .tar.gz."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, kind, target in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target.decode()
            member.size = size if kind == tarfile.REGTYPE else 0
            archive.addfile(member, io.BytesIO(hashlib.shake_256(b"x").digest(member.size)))
    return stream.getvalue()


GOOD = archive_of(
    ("./", tarfile.DIRTYPE, b""),
    ("./yes/a_nohash_0.wav", tarfile.REGTYPE, b""),
    ("./_background_noise_/hum.wav", tarfile.REGTYPE, b""),
)


@pytest.fixture
def server(server: Server) -> Server:
    """Serves a good archive."""
    server.content = GOOD
    return server


def fetch_from(server: Server, folder: Path, **changes: Any) -> Path:
    sha256 = hashlib.sha256(server.content).hexdigest()
    settings: dict[str, Any] = {"progress": None, "url": server.url, "sha256": sha256} | changes
    return fetch_speech_commands("v0.02", folder, **settings)


def part_of(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.tar.gz.part")


def test_a_fetch_leaves_the_files_and_nothing_else(server: Server, tmp_path: Path) -> None:
    """The archive goes, the second fetch asks for nothing."""
    moved = []
    folder = fetch_from(server, tmp_path / "sc", progress=lambda *step: moved.append(step))
    assert sorted(p.name for p in folder.rglob("*.wav")) == ["a_nohash_0.wav", "hum.wav"]
    assert moved[-1] == (len(GOOD), len(GOOD))
    assert is_complete(folder)
    assert not part_of(folder).exists()
    assert folder == fetch_from(server, folder)
    assert server.ranges == [None]


def test_a_fetch_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    """Only the rest is asked for."""
    part_of(tmp_path / "sc").write_bytes(GOOD[:100_000])
    assert is_complete(fetch_from(server, tmp_path / "sc"))
    assert server.ranges == ["bytes=100000-"]


def test_a_connection_that_breaks_is_made_again(server: Server, tmp_path: Path) -> None:
    """Each time it goes on after what came."""
    server.breaks_after = len(GOOD) // 3
    assert is_complete(fetch_from(server, tmp_path / "sc"))
    assert len(server.ranges) == 4


def test_a_connection_that_always_breaks_keeps_what_came(server: Server, tmp_path: Path) -> None:
    """The message says how to go on."""
    server.breaks_after = 70_000
    server.content = archive_of(("yes/a.wav", tarfile.REGTYPE, b""), size=10_000_000)
    with pytest.raises(DownloadError, match="run it again"):
        fetch_from(server, tmp_path / "sc")
    assert part_of(tmp_path / "sc").stat().st_size > 0
    assert not (tmp_path / "sc").exists()


def test_a_server_without_ranges_starts_again(server: Server, tmp_path: Path) -> None:
    """The part is thrown away, not appended to."""
    server.honours_range = False
    part_of(tmp_path / "sc").write_bytes(b"x" * 1000)
    assert is_complete(fetch_from(server, tmp_path / "sc"))


def test_a_whole_part_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    """The server answers 416; the checksum decides."""
    part_of(tmp_path / "sc").write_bytes(GOOD)
    assert is_complete(fetch_from(server, tmp_path / "sc"))
    assert server.ranges == [f"bytes={len(GOOD)}-"]


def test_another_checksum_removes_the_part(server: Server, tmp_path: Path) -> None:
    """Both sums are named, nothing is extracted."""
    with pytest.raises(DownloadError, match="SHA-256 must be 0000"):
        fetch_from(server, tmp_path / "sc", sha256="0" * 64)
    assert not part_of(tmp_path / "sc").exists()
    assert not (tmp_path / "sc").exists()


def test_without_a_network_the_message_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One line, no address of an object."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    with pytest.raises(DownloadError, match=r"no connection.*Check the network") as caught:
        fetch_speech_commands("v0.02", tmp_path / "sc", None, url=url)
    assert "0x" not in str(caught.value)


@pytest.mark.parametrize("status", [403, 404, 500])
def test_an_answer_that_is_no_file_is_an_error(server: Server, tmp_path: Path, status: int) -> None:
    """Its page is not taken for the archive."""
    server.status = status
    with pytest.raises(DownloadError, match=f"status {status}"):
        fetch_from(server, tmp_path / "sc")


@pytest.mark.parametrize(
    "member",
    [
        ("../escape.wav", tarfile.REGTYPE, b""),
        ("yes/../../escape.wav", tarfile.REGTYPE, b""),
        ("/tmp/escape.wav", tarfile.REGTYPE, b""),
        ("yes/link.wav", tarfile.SYMTYPE, b"/etc/passwd"),
        ("yes/hard.wav", tarfile.LNKTYPE, b"yes/a.wav"),
        ("yes/pipe.wav", tarfile.FIFOTYPE, b""),
    ],
)
def test_a_hostile_archive_leaves_nothing(
    server: Server, tmp_path: Path, member: tuple[str, bytes, bytes]
) -> None:
    """Not even the good files before the bad one."""
    server.content = archive_of(("yes/a.wav", tarfile.REGTYPE, b""), member)
    with pytest.raises(DownloadError, match="safe to extract"):
        fetch_from(server, tmp_path / "in" / "sc")
    left = {p.name for p in tmp_path.rglob("*") if "escape" in p.name or p.name == "a.wav"}
    assert left == set()
    assert not (tmp_path / "in" / "sc").exists()


@pytest.mark.parametrize("limit", ["MAX_MEMBERS", "MAX_EXTRACTED_BYTES"])
def test_an_archive_beyond_the_limits_is_refused(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    """A small archive can hold a large disk full of zeros."""
    monkeypatch.setattr(speech_commands, limit, 1)
    with pytest.raises(DownloadError, match="more than"):
        fetch_from(server, tmp_path / "sc")
    assert not (tmp_path / "sc").exists()


@pytest.mark.parametrize("content", [b"no archive", GOOD[:-600], GOOD[:300]])
def test_what_is_no_whole_archive_is_refused(
    server: Server, tmp_path: Path, content: bytes
) -> None:
    """Even where its checksum is right."""
    server.content = content
    with pytest.raises(DownloadError, match="tar archive"):
        fetch_from(server, tmp_path / "sc")


def test_an_interrupted_extraction_leaves_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The archive stays, the folder does not appear."""

    def interrupt(*args: object, **named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tarfile.TarFile, "extract", interrupt)
        with pytest.raises(KeyboardInterrupt):
            fetch_from(server, tmp_path / "sc")
    assert [p.name for p in tmp_path.iterdir() if p.is_dir()] == []
    assert is_complete(fetch_from(server, tmp_path / "sc"))


def test_a_full_disk_is_told_before_the_download(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How much is needed, and how much there is."""
    usage = type("Usage", (), {"free": 100})
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(OutputError, match="GB free"):
        fetch_from(server, tmp_path / "sc")


def test_a_server_that_never_ends_is_left(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of what it sent is kept."""
    monkeypatch.setattr(speech_commands, "MAX_ARCHIVE_BYTES", len(GOOD) - 1)
    with pytest.raises(DownloadError, match="must be at most"):
        fetch_from(server, tmp_path / "sc")
    assert not part_of(tmp_path / "sc").exists()
    assert not is_complete(tmp_path / "sc")


def test_what_may_be_secret_in_an_address_is_not_told(server: Server, tmp_path: Path) -> None:
    """Neither in a message nor in what is kept: user, password, query."""
    scheme, rest = server.url.split("://")
    secret = f"{scheme}://jane:hunter2@{rest}?signature=hunter2"
    folder = fetch_from(server, tmp_path / "sc", url=secret)
    assert is_complete(folder)
    kept = (folder / speech_commands.MARKER_FILE).read_text()
    assert server.url in kept
    assert "hunter2" not in kept
    for url in (secret, "http://jane:hunter2@[1/", "jane:hunter2@mirror", "s3://jane:hunter2@x"):
        with pytest.raises(DownloadError) as caught:
            fetch_from(server, tmp_path / "other", url=url, sha256="0" * 64)
        assert "hunter2" not in str(caught.value)


def test_a_folder_with_other_files_is_left_alone(server: Server, tmp_path: Path) -> None:
    """A fetch replaces nothing of the user's."""
    (tmp_path / "mine.wav").write_text("")
    with pytest.raises(OutputError, match="new or empty"):
        fetch_from(server, tmp_path)
    assert (tmp_path / "mine.wav").exists()


def test_an_unknown_version_is_refused(tmp_path: Path) -> None:
    """The known ones are listed."""
    with pytest.raises(DownloadError, match=r"Known: v0\.01, v0\.02"):
        fetch_speech_commands("v0.03", tmp_path / "sc", None)
