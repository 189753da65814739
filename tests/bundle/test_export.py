"""What the last look at a trained trial finds in its folder."""

from pathlib import Path

import pytest

from sprd.bundle import export as room
from sprd.bundle.export import export
from sprd.errors import SprdError
from sprd.sweep.paths import KEPT_OF_A_TRIAL, RECORD, TrialPaths
from tests.builders import make_row, make_sweep

LACKS_SCORES = b'{"config": 1, "provenance": 1, "calibration_clips": 1, "validation": %s}'


@pytest.mark.parametrize(
    "record",
    [
        *(None, b"{", b"3", b"{}", b"[" * 100_000),
        *(LACKS_SCORES % one for one in (b"3", b"{}", b"[]", b'{"int8": 3}')),
    ],
)
def test_trial_whose_record_is_gone_or_damaged_is_not_exported(
    tmp_path: Path, record: bytes | None
) -> None:
    """One line names the folder, what it must hold and what to do; no bundle is begun."""
    for name in KEPT_OF_A_TRIAL:
        (tmp_path / name).write_bytes(b"")
    if record is None:
        (tmp_path / RECORD).unlink()
    else:
        (tmp_path / RECORD).write_bytes(record)
    bundle = tmp_path / "bundle"
    with pytest.raises(SprdError) as caught:
        export(make_sweep(), make_row(0), TrialPaths(tmp_path), None, bundle, {})
    said = str(caught.value)
    assert said.startswith(f"{tmp_path}: must hold model.tflite, model_float.tflite, record.json")
    assert said.endswith(". Choose another trial.")
    assert not bundle.exists()


@pytest.mark.parametrize(("verify", "n_emulated"), [("model", 0), ("emulated", 1)])
def test_only_a_budget_that_says_so_is_verified_on_an_emulated_core(
    verify: str, n_emulated: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes a compiler and minutes."""
    calls: list[bytes] = []

    def emulated(model: bytes, config: object, corpus: object, footprint: object) -> object:
        calls.append(model)
        return footprint

    monkeypatch.setattr(room, "measure", lambda model, board, name: "footprint")
    monkeypatch.setattr(room, "_emulated", emulated)
    sweep = make_sweep(sweep=f'[budget]\nboard = "arduino_nano_33_ble"\nverify = "{verify}"\n')
    kept = room._Kept(b"TFL3", b"", {}, sweep.default)
    assert room._measure_again(kept, None, "trial") == "footprint"
    assert len(calls) == n_emulated
