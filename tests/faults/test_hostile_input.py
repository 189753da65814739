"""1,000 mutated manifests, sweep files, archives and models: each a clear error or a result."""

import io
import json
import os
import random
import shutil
import tarfile
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sprd.audio import speech_commands
from sprd.bundle.verify import verify
from sprd.cli.main import main
from sprd.config.reader import load_sweep
from sprd.device.footprint import measure_untrusted
from sprd.errors import SprdError
from sprd.sweep.run import VOCABULARY
from tests.faults.faulty import sprd

pytestmark = pytest.mark.faults

ROOT = Path(__file__).parents[2]
RELEASE = speech_commands.Release("http://127.0.0.1/archive.tar.gz", "0" * 64)

ODD = ["-1", "1e999", "NaN", "null", "true", "[]", "{}", '"../../etc/passwd"', '"/etc/passwd"']
ODD += [
    "9" * 400,
    '"\\u0000"',
    '"' + "x" * 10_000 + '"',
    "[" * 3000,
    '{"a":' * 500,
    "",
    "\x00",
    "=",
]


def mutated_text(chance: random.Random, text: str) -> bytes:
    """Returns a text with something odd instead of a value, or with bytes that are not its own."""
    lines = text.splitlines(keepends=True)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(lines))
        kind = chance.randrange(5)
        if kind == 0:  # another value behind the first sign of a key
            key, sign, _ = lines[at].partition(":" if ":" in lines[at] else "=")
            lines[at] = f"{key}{sign} {chance.choice(ODD)}\n"
        elif kind == 1:
            del lines[at : at + chance.randint(1, 5)]
        elif kind == 2:
            lines[at:at] = lines[chance.randrange(len(lines)) :][:5]
        elif kind == 3:
            lines[at], lines[-1 - at] = lines[-1 - at], lines[at]
        else:
            return mutated_bytes(chance, "".join(lines).encode())
        lines = lines or ["\n"]
    return "".join(lines).encode()


def mutated_bytes(chance: random.Random, content: bytes) -> bytes:
    """Returns bytes of which some are others, are gone or are there twice."""
    found = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 8, 64])):
        found = found or bytearray(b"\0")
        at, n = chance.randrange(len(found)), chance.randint(1, 64)
        kind = chance.randrange(6)
        if kind == 0:
            found[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            found[at : at + 4] = chance.choice([b"\xff" * 4, b"\0" * 4, b"\xff\xff\xff\x7f"])
        elif kind == 2:
            found[at : at + n] = chance.randbytes(n)
        elif kind == 3:
            del found[at : at + n]
        elif kind == 4:
            found[at:at] = found[at : at + n]
        else:
            found = found[: max(at, 1)]
    return bytes(found) or b"\0"


def hostile_archive(chance: random.Random) -> bytes:
    """Returns an archive with a member that means harm, broken here and there."""
    stream = io.BytesIO()
    mode: Any = chance.choice(["w", "w:gz"])
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for number in range(chance.randint(1, 4)):
            member = tarfile.TarInfo(f"up/{number}.wav")
            member.size = 100
            harm = chance.randrange(8)
            if harm == 0:
                member.name = chance.choice(["../out.wav", "/tmp/sprd-out.wav", "up/../../out.wav"])
            elif harm == 1:
                member.type, member.linkname, member.size = tarfile.SYMTYPE, "/etc", 0
            elif harm == 2:
                member.type, member.linkname, member.size = tarfile.LNKTYPE, "../out.wav", 0
            elif harm == 3:
                member.type, member.size = tarfile.CHRTYPE, 0
            elif harm == 4:
                member.name = chance.choice(["up/\n.wav", "a" * 300, "up", "..", ".", "C:\\x.wav"])
            archive.addfile(member, io.BytesIO(b"\0" * member.size))
    content = stream.getvalue()
    return mutated_bytes(chance, content) if chance.random() < 0.5 else content


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real one."""
    out = tmp_path_factory.mktemp("run")
    done = sprd("sweep", ROOT / "sweeps/smoke.toml", "--trials", "1", "--out", out)
    assert done.returncode == 0, done.stderr
    return out / "bundle"


@pytest.mark.parametrize("n", [pytest.param(25, marks=pytest.mark.short), 250])
def test_mutated_input_is_refused_or_read(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n: Any
) -> None:
    """Of each kind so many; nothing is written outside the folder that was named."""
    chance = random.Random(n)
    found: Counter[tuple[str, str]] = Counter()
    arena, outside = tmp_path / "arena", tmp_path / "outside"
    arena.mkdir()
    outside.mkdir()
    monkeypatch.chdir(outside)
    monkeypatch.setattr(speech_commands, "MAX_EXTRACTED_BYTES", 10**6)
    sweeps = sorted((ROOT / "sweeps").glob("*.toml"))
    manifest = (bundle / "manifest.json").read_text()
    model = (bundle / "model.tflite").read_bytes()
    broken = tmp_path / "broken"
    shutil.copytree(bundle, broken)

    def attempt(kind: str, act: Callable[[], object]) -> None:
        try:
            act()
            found[kind, "read"] += 1
        except SprdError as error:
            line = str(error)
            assert line and len(line) < 2000 and line.isprintable(), repr(line)
            found[kind, "refused"] += 1

    file, lone, part = (tmp_path / name for name in ("a.toml", "a.tflite", "archive.part"))
    for number in range(n):
        file.write_bytes(mutated_text(chance, chance.choice(sweeps).read_text()))
        attempt("sweep file", lambda: load_sweep(file, VOCABULARY))

        (broken / "manifest.json").write_bytes(mutated_text(chance, manifest))
        attempt("manifest", lambda: verify(broken))

        lone.write_bytes(mutated_bytes(chance, model))
        attempt("model", lambda: measure_untrusted(lone, None))

        part.write_bytes(hostile_archive(chance))
        extract = partial(speech_commands._extract, part, arena / f"{number}", RELEASE)
        attempt("archive", extract)

    for kind in ("sweep file", "manifest", "model", "archive"):
        print(f"{kind}: {found[kind, 'refused']} refused, {found[kind, 'read']} read of {n}")
        assert found[kind, "refused"] > n // 4
    assert os.listdir(outside) == []
    kept = {"arena", "outside", "broken", "a.toml", "a.tflite", "archive.part"}
    assert set(os.listdir(tmp_path)) == kept
    assert not Path("/tmp/sprd-out.wav").exists()
    for path in arena.rglob("*"):
        assert not path.is_symlink() and (path.is_file() or path.is_dir())


def test_command_says_it_in_one_line(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2 or 1, one line, and no traceback: what a person sees of such an input."""
    broken = tmp_path / "broken"
    shutil.copytree(bundle, broken)
    told = json.loads((broken / "manifest.json").read_text())
    told["files"] = {"../../etc/passwd": {"sha256": "0" * 64, "bytes": 1}}
    (broken / "manifest.json").write_text(json.dumps(told))
    assert main(["verify", str(broken)]) in (1, 2)
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "Traceback" not in said
