"""What the verbs about a bundle say and return: each verdict has its exit code."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sprd.bundle.reproduce import Reproduction
from sprd.bundle.verify import Verdict
from sprd.cli.main import main
from sprd.config.limits import Violation
from tests.builders import make_sweep

OVER = Violation("model_bytes", 9000, 8000)


@pytest.mark.parametrize(
    ("files", "numbers", "violations", "code", "line"),
    [
        ((), (), (), 0, "nothing wrong: schema, hashes, footprint and budget"),
        (("model.h",), (), (), 1, "model.h: is missing, or not the file that was exported"),
        ((), ("macs: 3 now",), (), 1, "macs: 3 now"),
        ((), (), (OVER,), 3, "over budget: model 9,000 B of 8,000 B (+12 %)"),
        ((), ("macs: 3 now",), (OVER,), 1, "macs: 3 now"),
    ],
)
def test_verdict_is_told_and_has_its_exit_code(
    files: tuple[str, ...],
    numbers: tuple[str, ...],
    violations: tuple[Violation, ...],
    code: int,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Changed is 1, over the budget 3; what changed counts first."""
    verdict = Verdict(files, numbers, violations)
    monkeypatch.setattr("sprd.bundle.verify.verify", lambda folder: verdict)
    assert main(["verify", "bundle"]) == code
    assert capsys.readouterr().out.splitlines()[0] == line
    assert main(["verify", "bundle", "--json"]) == code
    assert json.loads(capsys.readouterr().out) == {"bundle": "bundle", **verdict.as_dict()}


@pytest.mark.parametrize(
    ("result", "code", "lines"),
    [
        ("identical", 0, ["identical: model.tflite of bundle was made again, SHA-256 aa"]),
        (
            "equivalent",
            4,
            [
                "equivalent: balanced accuracy 0.850 on validation speakers, within the interval of"
                " 0.900 (0.800 .. 0.950)",
                "12 bytes of model.tflite differ; weights by 1.5%; outputs by 0.250 at most; 2 of"
                " 40 clips are heard as another label",
            ],
        ),
        (
            "different",
            1,
            [
                "different: balanced accuracy 0.850 on validation speakers, outside the interval of"
                " 0.900 (0.800 .. 0.950)",
            ],
        ),
    ],
)
def test_model_made_again_is_told_and_has_its_exit_code(
    result: Any,
    code: int,
    lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What is not as it was is told before the training."""
    made = Reproduction(result, (), ("aa", "bb"), (0.9, 0.85), (0.8, 0.95), 12, 0.015, 0.25, 2, 40)

    def train_again(
        bundle: Path, manifest: object, config: object, corpus: object, report: Any
    ) -> Reproduction:
        report({"step": 200, "val_balanced_accuracy": 0.75}, None)
        return made

    module = "sprd.bundle.reproduce"
    monkeypatch.setattr("sprd.model.start.load_tensorflow", lambda: None)
    config = make_sweep().default
    monkeypatch.setattr(f"{module}.open_record", lambda bundle: (SimpleNamespace(), config))
    monkeypatch.setattr(f"{module}.differences", lambda manifest: ["numpy: 1 now, 2 then"])
    monkeypatch.setattr(f"{module}.open_same_data", lambda *args: None)
    monkeypatch.setattr(f"{module}.reproduce", train_again)
    assert main(["reproduce", "bundle"]) == code
    said = capsys.readouterr()
    assert said.out.splitlines()[: len(lines)] == lines
    assert said.err.splitlines() == [
        "not as it was: numpy: 1 now, 2 then",
        "training 40 steps, seed 0",
        "step 200: balanced accuracy 0.750",
    ]
