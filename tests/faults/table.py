"""Runs the faults and prints a table of them: what is done, what came of it, in how many seconds.

python tests/faults/table.py [options of pytest]
"""

import ast
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

FOLDER = Path(__file__).parent


def main() -> int:
    """Returns pytest's exit code."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-m", "faults", "-s", f"--junitxml={report}"]
        done = subprocess.run([*command, *sys.argv[1:], str(FOLDER)], check=False)
        cases = ElementTree.parse(report).getroot().iter("testcase") if report.exists() else []
        rows = [row(case) for case in cases]
    print("| fault | came out | seconds | what must hold |\n| --- | --- | --- | --- |")
    print("\n".join(rows))
    return done.returncode


def row(case: ElementTree.Element) -> str:
    """Returns the line of one test."""
    module, name = case.get("classname", "").rpartition(".")[2], case.get("name", "")
    failed = any(case.find(tag) is not None for tag in ("failure", "error"))
    outcome = "FAILED" if failed else "skipped" if case.find("skipped") is not None else "passed"
    what = first_line(FOLDER / f"{module}.py", name.partition("[")[0])
    words = name.removeprefix("test_").replace("_", " ")
    return f"| {words} | {outcome} | {float(case.get('time', 0)):.0f} | {what} |"


def first_line(path: Path, function: str) -> str:
    """Returns what a test says of itself."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return (ast.get_docstring(node) or "").splitlines()[0]
    return ""


if __name__ == "__main__":
    sys.exit(main())
