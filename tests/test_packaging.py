"""What stands around the package fits together: dependencies, commands, image, licences."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
NOT_COMMITTED = {
    *(".git", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"),
    *("runs", "build", "dist", "__pycache__"),
}
REGISTRIES = re.compile(
    r"pypi\.org|pythonhosted\.org|npmjs\.|deb\.debian\.org|/simple/|devpi|artifactory"
    r"|--(?:extra-)?index-url|--find-links|--trusted-host",
    re.IGNORECASE,
)


def project() -> dict[str, Any]:
    """The table [project] of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def dependencies() -> list[Requirement]:
    """What `pip install '.[synth,dev]'` asks for."""
    extras = project()["optional-dependencies"]
    lines = [*project()["dependencies"], *(line for extra in extras.values() for line in extra)]
    return [Requirement(line) for line in lines]


def constraint_lines() -> list[str]:
    """The pins of constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def committed_files() -> Iterator[Path]:
    """Every text file of the tree that is not made by a tool."""
    for folder, names, files in os.walk(ROOT):
        names[:] = [n for n in names if n not in NOT_COMMITTED and not n.endswith(".egg-info")]
        yield from (Path(folder) / name for name in files)


def makefile_targets() -> set[str]:
    """What `make help` lists."""
    run = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(re.findall(r"^make (\w+)  ", run.stdout, re.MULTILINE))


def code_of(page: Path) -> str:
    """The code of a Markdown page: its blocks and its spans."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```.*?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.DOTALL))
    return "\n".join([*blocks, *spans])


def pages() -> list[Path]:
    """The pages that tell a user what to type."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_constraints_pin_every_package_exactly() -> None:
    """constraints.txt holds nothing but name==version: no folder, no address, no hash."""
    form = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+]+")
    assert [line for line in constraint_lines() if not form.fullmatch(line)] == []


def test_constraints_name_each_package_once() -> None:
    """No package is pinned twice."""
    names = [canonicalize_name(line.split("==")[0]) for line in constraint_lines()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("requirement", dependencies(), ids=lambda r: r.name)
def test_dependency_is_pinned_within_its_bounds(requirement: Requirement) -> None:
    """Each dependency of pyproject.toml has a pin, and the pin is a version that it allows."""
    pins = {canonicalize_name(n): v for n, v in (line.split("==") for line in constraint_lines())}
    version = pins.get(canonicalize_name(requirement.name))
    assert version is not None, f"{requirement.name} lacks a pin: see the head of constraints.txt"
    assert requirement.specifier.contains(version, prereleases=True)


def test_no_file_names_a_package_registry() -> None:
    """Where packages come from is the user's setting, never the project's."""
    found = []
    for path in committed_files():
        if path == Path(__file__):
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in REGISTRIES.finditer(text)]
    assert found == []


@pytest.mark.parametrize("target", ["help", "install", "sweep", "test", "lint", "clean"])
def test_makefile_has_target(target: str) -> None:
    """The targets that users and continuous integration know exist."""
    assert target in makefile_targets()


def test_pages_name_only_targets_that_exist() -> None:
    """What README.md, CONTRIBUTING.md and docs/ say after `make` is a target."""
    named = {
        target
        for page in pages()
        for target in re.findall(r"^(?:\$ )?make (\w+)", code_of(page), re.MULTILINE)
    }
    assert named - makefile_targets() == set()


def test_pages_name_only_commands_that_exist() -> None:
    """What README.md, CONTRIBUTING.md and docs/ say after `sprd` is a command."""
    named = {
        verb
        for page in pages()
        for line in code_of(page).splitlines()
        for verb in re.findall(r"(?<![\w.-])sprd (?!sprd\b)([a-z]+)", line.split("#")[0])
    }
    sprd = Path(sys.executable).with_name("sprd")
    unknown = {
        verb
        for verb in named
        if subprocess.run([sprd, verb, "--help"], capture_output=True, check=False).returncode
    }
    assert unknown == set()


def test_ci_script_can_be_run() -> None:
    """`.ci/run` is executable, and bash can parse it."""
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)


def test_ci_lets_no_test_skip() -> None:
    """`.ci/run` sets what tests/conftest.py reads, and shows the reasons."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "export SPRD_NO_SKIPS=1" in script
    assert "PYTEST_FLAGS='-rs'" in script


def test_hooks_download_nothing() -> None:
    """Each pre-commit hook is a tool of .venv."""
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    hooks = [hook for repo in config["repos"] for hook in repo["hooks"]]
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    assert [h["id"] for h in hooks if not h["entry"].startswith(".venv/bin/")] == []


def test_files_of_the_distribution_exist() -> None:
    """README and licences that pyproject.toml names are there."""
    named = [project()["readme"], *project()["license-files"]]
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_licence_is_the_one_that_is_declared() -> None:
    """LICENSE is the text of Apache-2.0 to its last section."""
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert project()["license"] == "Apache-2.0"
    assert "Version 2.0, January 2004" in text and "END OF TERMS AND CONDITIONS" in text


@pytest.mark.parametrize(
    ("name", "licence"),
    [("espeak-ng", "GPL-3"), ("tflite-micro", "Apache-2.0"), ("Speech Commands", "CC BY 4.0")],
)
def test_notice_names(name: str, licence: str) -> None:
    """NOTICE names what sprd uses under terms of its own, with the terms."""
    entries = (ROOT / "NOTICE").read_text(encoding="utf-8").split("* ")
    assert any(entry.startswith(name) and licence in entry for entry in entries)


def test_changelog_has_a_place_for_changes() -> None:
    """A change can be written under Unreleased, above every release."""
    heads = re.findall(
        r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert heads[0] == "[Unreleased]"


def instructions() -> list[str]:
    """The instructions of the Dockerfile, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    return [line for line in text.replace("\\\n", " ").splitlines() if line]


def test_image_copies_only_what_reaches_the_builder() -> None:
    """Each source of a COPY exists, and .dockerignore lets it through."""
    copies = [line.split()[1:-1] for line in instructions() if line.startswith("COPY")]
    sources = {word for words in copies for word in words if not word.startswith("--")}
    let_through = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    assert sources == let_through
    assert [name for name in sorted(sources) if not (ROOT / name).exists()] == []


def test_code_is_copied_after_the_dependencies_are_installed() -> None:
    """A change of the code does not install TensorFlow again."""
    lines = instructions()
    dependencies_at = next(i for i, line in enumerate(lines) if "-r requirements.txt" in line)
    assert lines.index("COPY sprd sprd") > dependencies_at


def test_image_can_be_started_by_the_launcher() -> None:
    """No ENTRYPOINT, a user who is not root, and the base can be replaced."""
    lines = instructions()
    assert lines[:2] == ["ARG BASE=python:3.11-slim-bookworm", "FROM ${BASE}"]
    assert lines[-1] == 'CMD ["sprd", "--help"]'
    assert [line for line in lines if line.startswith("ENTRYPOINT")] == []
    assert [line for line in lines if line.startswith("USER")] == ["USER sprd"]
