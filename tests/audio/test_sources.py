"""Where audio comes from: nothing is downloaded unasked, and a wrong path is told."""

from pathlib import Path

import pytest

from sprd.audio import sources
from sprd.audio.sources import folders_of, source_names
from sprd.audio.voices.synthetic import SpeechSettings
from sprd.config.trial import DataSection
from sprd.errors import DataError


def section(source: str) -> DataSection:
    return DataSection(keywords=("yes",), source=source)


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    """And the flag `--data` goes before the sweep file."""
    (tmp_path / "yes").mkdir()
    assert [tmp_path] == folders_of(section(str(tmp_path)))
    assert [tmp_path] == folders_of(section("speech_commands"), (tmp_path,))
    assert source_names(section("synthetic"), (tmp_path,)) == f"folder {tmp_path}"


@pytest.mark.parametrize("name", ["missing", "file"])
def test_what_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    """The path and the reason are in the message."""
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=name):
        folders_of(section(str(tmp_path / name)))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    """The message says how recordings are named."""
    with pytest.raises(DataError, match="_nohash_"):
        folders_of(section(str(tmp_path)))


@pytest.mark.parametrize(
    ("source", "version"), [("speech_commands", "v0.02"), ("speech_commands_v0.01", "v0.01")]
)
def test_a_download_is_asked_for_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, version: str
) -> None:
    """A sweep does not fetch 2.3 GB; a fetched one is found."""
    monkeypatch.setenv("SPRD_CACHE", str(tmp_path))
    with pytest.raises(DataError, match=f"sprd data fetch --version {version}"):
        folders_of(section(source))
    fetched = tmp_path / f"speech_commands_{version}"
    fetched.mkdir()
    (fetched / "yes").mkdir()
    with pytest.raises(DataError):
        folders_of(section(source))
    (fetched / ".sprd-fetched.json").write_text("{}")
    assert fetched == folders_of(section(source))[0]
    assert version in source_names(section(source))


def test_synthetic_speech_is_made_when_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the settings of the sweep file."""
    asked = []

    def synthesize(*settings: object, progress: object) -> Path:
        asked.append(settings)
        return tmp_path

    monkeypatch.setattr(sources, "synthesize", synthesize)
    assert tmp_path == folders_of(section("synthetic"))[0]
    assert asked == [(SpeechSettings(("yes",), 96, 3, 30),)]
    assert "96" in source_names(section("synthetic"))
