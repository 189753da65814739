"""Scalars of the trials for TensorBoard, written by the driver, one folder a trial."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tensorboardX import SummaryWriter

METRIC = "val_balanced_accuracy"
"""What the scheduler sees: the float model on validation speakers, while it trains."""

SCALARS = ("accuracy", "loss", "val_accuracy", "val_loss", METRIC)


class Writers:
    """TensorBoard scalars, one folder a trial: training and validation of each share a chart."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[int, SummaryWriter] = {}

    def write(self, number: int, metrics: Mapping[str, float]) -> None:
        """Adds what a trial reported at one step."""
        from tensorboardX import SummaryWriter

        if number not in self._open:
            self._open[number] = SummaryWriter(str(self._folder / str(number)))
        for name, value in metrics.items():
            if name in SCALARS:
                tag = (
                    f"{name.removeprefix('val_')}/{'validation' if 'val_' in name else 'training'}"
                )
                self._open[number].add_scalar(tag, value, int(metrics["step"]))

    def close(self, number: int) -> None:
        """Ends the scalars of a trial."""
        if writer := self._open.pop(number, None):
            writer.close()
