"""How many small mistakes in the code the tests would notice: a table of mutations.

    python benchmarks/mutations.py                        # 60 drawn; the page: build/mutations.md
    python benchmarks/mutations.py --review               # 13 that a review made by hand
    python benchmarks/mutations.py --only 7 12 --limit 1200
    python benchmarks/mutations.py --list                 # what is drawn; runs nothing

Each mutation (see `mutants.py`) is applied to a copy of the tree in a temporary folder, never to
the checkout, and the tests run there, one file after the other, nearest first, until one fails:
the module's own test file, those of its folder, then every file that imports the module, by how
many imports are between. A test that fails is run twice more by itself: with the mutation it must
fail, without it must pass. A test that runs for longer than `--test-limit` counts as failed: the
mutation hangs it. What no test has noticed within `--limit` seconds survived.

Results are kept beside the table, in `FILE.jsonl`, as they come: an interrupted run goes on, and
both modes fill one page. `mutations.toml` holds the mutations of the review, and those that are
equivalent (no test can notice them) with the reason; these are not run.

It stands among the benchmarks, since it measures the tests and takes the better part of an hour.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import SimpleQueue

from mutants import Mutation, draw, find_all
from nearest import nearest

ROOT = Path(__file__).parents[1]
KNOWN = Path(__file__).with_suffix(".toml")
PLUGIN = '''\
"""Ends a test that hangs."""

import os
import signal

import pytest


def stop(*_):
    raise TimeoutError("hangs")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol():
    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, float(os.environ["MUTATIONS_TEST_LIMIT"]), 10)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
'''


@dataclass(frozen=True)
class Case:
    """One row of the table: a mutation with its number."""

    number: int
    key: str
    file: str
    line: int
    shown: str
    """What was changed, as the table says it."""
    source: str
    """The file's text with the change."""
    equivalent: str | None
    """Why no test can notice it."""


@dataclass(frozen=True)
class Result:
    """What became of a mutation."""

    key: str
    status: str
    """"caught", "survived" or "broken": then a test fails without the mutation too."""
    test: str
    seconds: float


class Copy:
    """A copy of the tree in which one mutation at a time is applied and the tests run."""

    def __init__(self, folder: Path, test_limit: float) -> None:
        self.folder, self._test_limit = folder, test_limit
        self._process: subprocess.Popen[str] | None = None
        names = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        listed = subprocess.run(names, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        (folder / "mutation_limit.py").write_text(PLUGIN)

    def judge(self, case: Case, limit: float) -> Result:
        """Runs the tests on a mutation until one fails, or `limit` seconds are over."""
        start = time.monotonic()
        original = (self.folder / case.file).read_text(encoding="utf-8")
        found = None
        try:
            self._write(case.file, case.source)
            for file in nearest(case.file):
                left = limit - (time.monotonic() - start)
                failed = self._failure(file, left) if left > 0 else None
                if failed is not None and self._fails_alone(failed):
                    found = failed
                    break
        finally:
            self._write(case.file, original)
        status = "survived"
        if found is not None:
            status = "broken" if self._fails_alone(found) else "caught"
        return Result(case.key, status, found or "", round(time.monotonic() - start, 1))

    def stop(self) -> None:
        """Ends the tests that are running; Ray's processes too, if a test left some."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _write(self, file: str, text: str) -> None:
        path = self.folder / file
        path.write_text(text, encoding="utf-8")
        for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
            compiled.unlink()  # a change within a second, of equal size, would not be seen

    def _fails_alone(self, test: str) -> bool:
        """Whether a test fails by itself; of a file that could not be read, whether it cannot."""
        options = () if "::" in test else ("--collect-only",)
        return self._failure(test, 2 * self._test_limit, *options) is not None

    def _failure(self, tests: str, limit: float, *options: str) -> str | None:
        """Returns the first test that fails, or None if none does in time."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-rfE", "--tb=line"]
        command += ["-p", "no:cacheprovider", "-p", "mutation_limit", "--hypothesis-profile=ci"]
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.folder),
            "MUTATIONS_TEST_LIMIT": str(self._test_limit),
            "SPRD_TEST_SHARED": os.environ.get("SPRD_TEST_SHARED", str(ROOT.parent / "shared")),
        }
        process = self._process = subprocess.Popen(
            [*command, *options, tests],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            said, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            return None
        finally:
            self.stop()
            process.wait()
            self._process = None
        if process.returncode in (0, 5):  # 5: there were no tests
            return None
        failed = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", said, re.MULTILINE)
        if failed is None and process.returncode == 4:
            raise SystemExit(f"pytest cannot run {tests}:\n{said}")
        return failed[1] if failed else tests  # pytest itself was killed


def drawn_cases(n: int, seed: int, known: Mapping[str, list[dict[str, str]]]) -> list[Case]:
    """Returns the mutations of the draw, numbered from 1."""
    reasons = {(one["file"], one["line"], one["change"]): one["why"] for one in known["equivalent"]}
    return [
        Case(
            number,
            m.key,
            m.file,
            m.line,
            _shown(m),
            m.applied_to((ROOT / m.file).read_text(encoding="utf-8")),
            reasons.get((m.file, m.line_text, m.change)),
        )
        for number, m in enumerate(draw(find_all(ROOT), n, seed), 1)
    ]


def review_cases(known: Mapping[str, list[dict[str, str]]]) -> list[Case]:
    """Returns the mutations that a review made by hand and no test noticed."""
    cases = []
    for one in known["review"]:
        source = (ROOT / one["file"]).read_text(encoding="utf-8")
        if source.count(one["before"]) != 1:
            raise SystemExit(
                f"{KNOWN} [[review]] {one['number']}: {one['file']} must hold the text once, got"
                f" {source.count(one['before'])} times: {one['before']!r}. Mend the entry."
            )
        cases.append(
            Case(
                int(one["number"]),
                f"review|{one['number']}",
                one["file"],
                source[: source.index(one["before"])].count("\n") + 1,
                f"{one['what']}: {_code(one['before'])} -> {_code(one['after'])}",
                source.replace(one["before"], one["after"]),
                one.get("why"),
            )
        )
    return cases


def _shown(m: Mutation) -> str:
    """A mutation in its line; what is cut off is marked."""
    first = m.before.splitlines()[0]
    low = max(0, m.column - 40)
    head = ("..." if low else "") + m.line_text[low : m.column]
    rest = m.line_text[m.column + len(first) :][:30] if first == m.before else ""
    cut = first if len(first) <= 60 else f"{first[:60]}..."
    return f"{_code(f'{head}{cut}{rest}')} -> {_code(f'{head}{m.after}{rest}')}"


def _code(text: str) -> str:
    """Inline code of a table's cell."""
    return f"`{' '.join(text.split())}`".replace("|", r"\|")


def judge_all(
    cases: Iterable[Case], jobs: int, limit: float, test_limit: float, kept: Path
) -> None:
    """Judges mutations side by side; appends each result to `kept` as it comes."""
    waiting = list(cases)
    copies: SimpleQueue[Copy] = SimpleQueue()
    kept.parent.mkdir(parents=True, exist_ok=True)

    def judge(case: Case) -> tuple[Case, Result]:
        copy = copies.get()
        try:
            return case, copy.judge(case, limit)
        finally:
            copies.put(copy)

    with tempfile.TemporaryDirectory(prefix="mutations-") as folder:
        made = [Copy(Path(folder) / str(job), test_limit) for job in range(min(jobs, len(waiting)))]
        for copy in made:
            copies.put(copy)
        pool = ThreadPoolExecutor(max(1, len(made)))
        try:
            for done in as_completed([pool.submit(judge, case) for case in waiting]):
                case, result = done.result()
                with kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(result)) + "\n")
                print(f"{case.number}: {result.status} {result.test} ({result.seconds:.0f} s)")
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for copy in made:
                copy.stop()
            pool.shutdown()


def results_in(kept: Path) -> dict[str, Result]:
    """Returns the last result of each mutation."""
    lines = kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []
    return {one.key: one for one in (Result(**json.loads(line)) for line in lines)}


def page(title: str, cases: Sequence[Case], results: Mapping[str, Result]) -> str:
    """Returns a section of the page: how many were caught, and the table."""
    rows, counts = [], {"caught": 0, "equivalent": 0, "survived": 0}
    for case in cases:
        result = results.get(case.key)
        if case.equivalent is not None:
            status, said = "equivalent", f"equivalent: {case.equivalent}"
        elif result is None:
            status, said = "not run", "not run yet"
        else:
            status = result.status
            said = f"`{result.test}`" if status == "caught" else f"**{status}** {result.test}"
        counts[status] = counts.get(status, 0) + 1
        rows.append(f"| {case.number} | {case.file}:{case.line} | {case.shown} | {said} |")
    told = ", ".join(f"{n} {status}" for status, n in counts.items())
    head = "| | where | what was changed | caught by |\n| --- | --- | --- | --- |\n"
    return f"## {title}\n\n{len(cases)}: {told}.\n\n{head}" + "\n".join(rows) + "\n"


def main() -> None:
    """Judges what is missing and writes the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, default=60, help="mutations to draw; 60 unless told")
    parser.add_argument("--seed", type=int, default=18, help="of the draw; 18 unless told")
    parser.add_argument("--review", action="store_true", help="those of the review instead")
    parser.add_argument("--only", type=int, nargs="+", help="numbers to judge, or judge again")
    parser.add_argument("--jobs", type=int, default=2, help="side by side; 2 unless told")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds for a mutation")
    parser.add_argument("--test-limit", type=float, default=120.0, help="seconds for a test")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "mutations.md")
    parser.add_argument("--list", action="store_true", help="print the mutations and run nothing")
    args = parser.parse_args()
    known = tomllib.loads(KNOWN.read_text(encoding="utf-8"))
    drawn, review = drawn_cases(args.n, args.seed, known), review_cases(known)
    cases = review if args.review else drawn
    kept = args.out.with_name(f"{args.out.name}.jsonl")
    if args.list:
        for case in cases:
            print(f"{case.number:3} {case.file}:{case.line} {case.shown}")
        return
    done = results_in(kept)
    missing = [
        case
        for case in cases
        if (case.number in args.only if args.only else case.key not in done)
        and case.equivalent is None
    ]
    try:
        judge_all(missing, args.jobs, args.limit, args.test_limit, kept)
    finally:
        results = results_in(kept)
        command = f"python benchmarks/mutations.py --n {args.n} --seed {args.seed}"
        head = f"# What the tests would notice\n\n`{command}`, and the same with `--review`.\n"
        sections = (page("Drawn", drawn, results), page("Of the review", review, results))
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text("\n".join((head, *sections)), encoding="utf-8")
    print(f"{args.out} written.")


if __name__ == "__main__":
    main()
