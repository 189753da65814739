"""What every fault is done to."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.faulty import SECRET, SWEEP


@pytest.fixture
def amazon(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of a server on this machine that answers as S3 and EC2 do."""
    pytest.importorskip("moto", reason="pip install -c constraints.txt -e '.[faults]'")
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for attempt in range(120):
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert attempt < 119, "the server did not start"
            time.sleep(0.5)
        yield port
    finally:
        server.kill()
        server.wait()


@pytest.fixture
def sweep_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes the sweep file; all else is in it."""

    def write(
        n_trials: int = 6,
        steps: int = 3000,
        interval: int = 200,
        more: str = "",
        top: str = "",
        board: str = "arduino_nano_33_ble",
    ) -> Path:
        path = tmp_path / "faults.toml"
        numbers = {"n_trials": n_trials, "steps": steps, "interval": interval}
        text = SWEEP.format(**numbers, more=more, board=board)
        path.write_text(text.replace('scheduler = "none"\n', f'scheduler = "none"\n{top}'))
        return path

    return write
