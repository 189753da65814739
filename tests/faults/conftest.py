"""What every fault is done to."""

from collections.abc import Callable
from pathlib import Path

import pytest
from faulty import SWEEP


@pytest.fixture
def sweep_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes the sweep file; all else is in it."""

    def write(
        n_trials: int = 6, steps: int = 3000, interval: int = 200, more: str = "", top: str = ""
    ) -> Path:
        path = tmp_path / "faults.toml"
        text = SWEEP.format(n_trials=n_trials, steps=steps, interval=interval, more=more)
        path.write_text(text.replace('scheduler = "none"\n', f'scheduler = "none"\n{top}'))
        return path

    return write
