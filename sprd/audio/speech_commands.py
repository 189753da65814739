"""A version of Google Speech Commands in, its folder out: download, checksum, safe extraction.

Knows nothing of words or clips. License of the data: CC BY 4.0, Pete Warden, arXiv:1804.03209.
"""

import hashlib
import json
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import requests
from filelock import FileLock

from sprd.disk.atomic import cache_folder, unwritable, whole_folder
from sprd.errors import DownloadError, OutputError, suggest

MARKER_FILE = ".sprd-fetched.json"
TIMEOUT_S = (10.0, 60.0)
"""To connect, and between two pieces of an answer."""

MAX_RETRIES = 5
MAX_ARCHIVE_BYTES = 4_000_000_000
"""The larger version has 2.4 GB. A server that never ends is left before it fills the disk."""

MAX_MEMBERS = 200_000
MAX_EXTRACTED_BYTES = 8_000_000_000
EXTRACTED_SHARE = 1.6
"""Bytes of the extracted files for one byte of the archive: WAV in gzip, rounded up."""

_CHUNK_BYTES = 1 << 16
"""A connection that breaks loses what has come of a chunk."""

_ROOT = "https://storage.googleapis.com/download.tensorflow.org/data/"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Release:
    """One version of the data set, where it lies and what its bytes are."""

    url: str
    sha256: str

    @property
    def place(self) -> str:
        """The URL without what may be a secret in it: user, password, query."""
        try:
            parts = urlsplit(self.url)
        except ValueError:
            parts = urlsplit("")
        if not parts.netloc:
            return "URL"
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


RELEASES = {
    "v0.01": Release(
        _ROOT + "speech_commands_v0.01.tar.gz",
        "743935421bb51cccdb6bdd152e04c5c70274e935c82119ad7faeec31780d811d",
    ),
    "v0.02": Release(
        _ROOT + "speech_commands_v0.02.tar.gz",
        "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
    ),
}


def default_folder(version: str) -> Path:
    """Returns where a version is put unless the user says where."""
    return cache_folder() / f"speech_commands_{version}"


def is_complete(folder: Path) -> bool:
    """Tells whether a fetch into this folder has ended well."""
    return (folder / MARKER_FILE).is_file()


def fetch_speech_commands(
    version: str,
    folder: Path | None,
    progress: Progress | None,
    url: str | None = None,
    sha256: str | None = None,
) -> Path:
    """Downloads and extracts a version of Speech Commands, unless it is there already.

    A download that broke off goes on where it stopped.

    Args:
        version: "v0.02" or "v0.01".
        folder: Where it goes, new or empty; unset, into the cache.
        progress: Called with bytes done and bytes in all (0: the server does not say).
        url: Another place to download from.
        sha256: Checksum of what lies there.

    Returns:
        The folder of `<word>/<speaker>_nohash_<n>.wav`.

    Raises:
        DownloadError: No network, another checksum, or an archive that is not safe to extract.
        OutputError: No room on the disk, or the folder cannot be written or holds something else.
    """
    release = _release(version, url, sha256)
    target = folder if folder is not None else default_folder(version)
    part = target.with_name(f".{target.name}.tar.gz.part")
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(part.with_name(f".{target.name}.lock")):
            if not is_complete(target):
                _fetch(release, part, target, progress)
    except OSError as error:
        raise unwritable(target, error) from error
    return target


def _fetch(release: Release, part: Path, target: Path, progress: Progress | None) -> None:
    """Brings the archive to `part`, and what is in it to the target."""
    _check_empty(target)
    _download(release, part, progress)
    _check_sum(release, part)
    _extract(part, target, release)
    part.unlink()


def _release(version: str, url: str | None, sha256: str | None) -> Release:
    """Returns a version, or what lies elsewhere in its place."""
    if version not in RELEASES:
        raise DownloadError(
            f"Speech Commands: unknown version {version!r}. {suggest(version, RELEASES)}"
        )
    release = RELEASES[version]
    return Release(url or release.url, sha256 or release.sha256)


def _check_empty(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise OutputError(
            f"{target}: must be a new or empty folder, got one with other files."
            " Choose another folder."
        )


def _download(release: Release, part: Path, progress: Progress | None) -> None:
    """Fetches what is missing of the archive; goes on after a broken connection."""
    for attempt in range(MAX_RETRIES + 1):
        before = _size(part)
        try:
            if _download_once(release, part, progress):
                return
        except requests.RequestException as error:
            if attempt == MAX_RETRIES or _size(part) == before:
                raise DownloadError(
                    f"{release.place}: must be reachable, got {_reason(error)}. Check the network "
                    f"and run it again: it goes on after {_size(part):,} bytes."
                ) from error
    raise DownloadError(
        f"{release.place}: must come whole, broke off {MAX_RETRIES + 1} times. Run it again:"
        f" it goes on after {_size(part):,} bytes."
    )


def _download_once(release: Release, part: Path, progress: Progress | None) -> bool:
    """Makes one request, from where the file ends; returns whether the file is whole."""
    n_done = _size(part)
    # Without `identity` a server may compress once more, and ranges would count other bytes.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={n_done}-"} if n_done else {})
    with requests.get(release.url, headers=headers, stream=True, timeout=TIMEOUT_S) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            return (
                True  # Nothing comes after our last byte; the checksum tells whether it is right.
            )
        if answer.status_code not in (requests.codes.ok, requests.codes.partial_content):
            raise DownloadError(
                f"{release.place}: must be there, got status {answer.status_code} "
                f"{answer.reason}. Try later, or download it by other means and name its folder "
                "in data.source."
            )
        goes_on = answer.status_code == requests.codes.partial_content and (
            answer.headers.get("Content-Range", "").startswith(f"bytes {n_done}-")
        )
        n_done = n_done if goes_on else 0
        n_left = int(answer.headers.get("Content-Length") or 0)
        n_total = n_done + n_left if n_left else 0
        _check_room(part, n_left, n_total)
        with part.open("ab" if goes_on else "wb") as file:
            for chunk in answer.iter_content(_CHUNK_BYTES):
                file.write(chunk)
                n_done += len(chunk)
                if n_done > MAX_ARCHIVE_BYTES:
                    break
                if progress is not None:
                    progress(n_done, n_total)
    if n_done > MAX_ARCHIVE_BYTES:
        part.unlink()
        raise DownloadError(
            f"{release.place}: must be at most {MAX_ARCHIVE_BYTES / 1e9:g} GB, got more."
            " Nothing was kept; download it from another place."
        )
    return n_done >= n_total


def _check_room(part: Path, n_left: int, n_total: int) -> None:
    """Checks that the archive and its files fit beside each other.

    Raises:
        OutputError: They do not.
    """
    n_needed = n_left + int(EXTRACTED_SHARE * n_total)
    n_free = shutil.disk_usage(part.parent).free
    if n_needed > n_free:
        raise OutputError(
            f"{part.parent}: must have {n_needed / 1e9:.1f} GB free for the archive and its "
            f"files, got {n_free / 1e9:.1f} GB. Make room, or choose another folder."
        )


def _check_sum(release: Release, part: Path) -> None:
    """Raises DownloadError and removes the archive if its SHA-256 is another."""
    with part.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != release.sha256:
        part.unlink()
        raise DownloadError(
            f"{release.place}: SHA-256 must be {release.sha256}, got {found}."
            " The archive was removed; run it again."
        )


def _extract(part: Path, target: Path, release: Release) -> None:
    """Extracts the archive into a folder that is there whole or not at all."""
    with whole_folder(target) as temporary:
        try:
            with tarfile.open(part, "r:*") as archive:
                _extract_members(archive, temporary)
        except (tarfile.TarError, EOFError, ValueError) as error:
            raise DownloadError(
                f"{release.place}: must be a tar archive that is safe to extract, got "
                f"{_reason(error)}. Nothing was extracted; download it from another place."
            ) from error
        marker = json.dumps({"url": release.place, "sha256": release.sha256})
        (temporary / MARKER_FILE).write_text(marker)


def _extract_members(archive: tarfile.TarFile, folder: Path) -> None:
    """Extracts regular files and folders; refuses everything else, and more than the limits."""
    n_bytes = 0
    for n_members, member in enumerate(archive, start=1):
        n_bytes += member.size
        if not (member.isreg() or member.isdir()):
            raise tarfile.TarError(f"{member.name!r}, which is neither a file nor a folder")
        if member.name.startswith(("/", "\\")) or ".." in Path(member.name).parts:
            raise tarfile.TarError(f"{member.name!r}, which leaves the folder")
        if n_members > MAX_MEMBERS or n_bytes > MAX_EXTRACTED_BYTES:
            raise tarfile.TarError(
                f"more than {MAX_MEMBERS:,} files or {MAX_EXTRACTED_BYTES / 1e9:g} GB"
            )
        archive.extract(member, folder, filter="data")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reason(error: BaseException) -> str:
    """Returns a message of one line, without the addresses of objects."""
    if isinstance(error, requests.ConnectTimeout | requests.ReadTimeout):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema):
        return "an address that is none"
    if isinstance(error, requests.exceptions.InvalidSchema):
        return "an address that is not http or https"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "a connection that broke off"
    return " ".join(str(error).split()) or type(error).__name__
