"""What a model was made from and with: the part of the record that is not the model itself."""

import hashlib
import platform
import re
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import sprd
from sprd import __version__
from sprd.audio.corpus import Corpus, split_digest
from sprd.audio.speech_findings import hours_of
from sprd.audio.split import Clip, Split
from sprd.config.trial import Config

SPLITS = {"training": Split.TRAINING, "validation": Split.VALIDATION, "test": Split.TESTING}
"""By the names that records and users give them."""

PACKAGES = (
    "tensorflow",
    "keras",
    "numpy",
    "ray",
    "optuna",
    "tflite-micro",
    "flatbuffers",
    "soxr",
    "soundfile",
    "pydantic",
    "espeakng-loader",
)


def provenance(config: Config, corpus: Corpus) -> dict[str, object]:
    """Returns seeds, threads, versions, processor and data of a training."""
    return {
        "seed": config.seed,
        "n_threads": config.n_threads,
        **surroundings(),
        "data": corpus_record(corpus),
    }


def surroundings() -> dict[str, object]:
    """Returns versions, code and processor: what does not depend on what is trained."""
    return {
        "versions": {"sprd": __version__, "python": platform.python_version(), **_versions()},
        "code": code_digest(),
        "platform": {"system": platform.system(), "machine": platform.machine()},
        "cpu_features": _cpu_features(),
    }


def corpus_record(corpus: Corpus) -> dict[str, Any]:
    """Returns what names a corpus and its split, what is in it, and what was wrong with it."""
    findings = [{"name": name, "what": what} for name, what in corpus.findings]
    return {
        "source": _without_folders(corpus.source),
        "fingerprint": corpus.fingerprint,
        "split_digest": split_digest(corpus),
        "is_synthetic": corpus.is_synthetic,
        "n_clips": len(corpus.clips),
        "n_speakers": len({clip.speaker for clip in corpus.clips}),
        "n_skipped": corpus.n_skipped,
        "personal": corpus.is_personal,
        "splits": {name: _counts(corpus.of(split)) for name, split in SPLITS.items()},
        "moved": dict(corpus.moved),
        **({"speech": _speech_record(corpus)} if corpus.speech else {}),
        **({"findings": findings} if findings else {}),
        **({"allowed": list(corpus.allowed)} if corpus.allowed else {}),
    }


def _speech_record(corpus: Corpus) -> dict[str, dict[str, float]]:
    """Returns how much running speech each split has."""
    hours = hours_of(corpus.speech)
    found: dict[str, dict[str, float]] = {}
    for name, split in SPLITS.items():
        recordings = [one for one in corpus.speech if one.split is split]
        found[name] = {
            "n_recordings": len(recordings),
            "n_readers": len({one.speaker for one in recordings} - {None}),
            "n_without_transcript": sum(one.transcript is None for one in recordings),
            "hours": round(hours[split], 4),
        }
    return found


def _counts(clips: Sequence[Clip]) -> dict[str, int]:
    """Returns how many clips and speakers there are, and how many of them are synthetic."""
    synthetic = [clip for clip in clips if clip.is_synthetic]
    return {
        "n_clips": len(clips),
        "n_speakers": len({clip.speaker for clip in clips}),
        "n_synthetic_clips": len(synthetic),
        "n_synthetic_speakers": len({clip.speaker for clip in synthetic}),
    }


def _without_folders(source: str) -> str:
    """Keeps the last name of each folder: those above may tell who trained, and where."""
    names = [
        f"folder {Path(part.removeprefix('folder ')).name or 'data'}"
        if part.startswith("folder ")
        else part
        for part in re.split(r" \+ (?=folder )", source)
    ]
    return " + ".join(names)


@cache
def code_digest() -> str:
    """Returns the SHA-256 of sprd's own Python code: 64 hexadecimal digits.

    Of each file's path in the package and its content, so it is the same for the same code however
    that was installed.
    """
    package = Path(sprd.__file__).parent
    digest = hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"{file.relative_to(package).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _cpu_features() -> list[str]:
    """Returns the instruction sets that decide which kernels TensorFlow picks."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    flags = next((line.split(":", 1)[1].split() for line in lines if line.startswith("flags")), [])
    kept = ("sse4_2", "avx", "avx2", "fma", "bmi2")
    return sorted(f for f in flags if f in kept or f.startswith(("avx512", "avx_vnni", "amx")))
