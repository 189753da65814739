"""Scalars of the trials for TensorBoard, written by the driver, one folder a trial."""

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tensorboardX.event_file_writer import EventsWriter

METRIC = "val_balanced_accuracy"
"""What the scheduler sees: the float model on validation speakers, while it trains."""

SCALARS = ("accuracy", "loss", "val_accuracy", "val_loss", METRIC)


class Writers:
    """TensorBoard scalars, one folder a trial: training and validation of each share a chart."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[int, EventsWriter] = {}

    def write(self, number: int, metrics: Mapping[str, float]) -> None:
        """Adds what a trial reported at one step.

        Not by a `SummaryWriter`: its thread would meet a full disk where nobody hears of it.

        Raises:
            OSError: The folder cannot be written.
        """
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.summary import scalar

        if number not in self._open:
            folder = self._folder / str(number)
            folder.mkdir(parents=True, exist_ok=True)
            self._open[number] = EventsWriter(str(folder / "events"))
        writer, step = self._open[number], int(metrics["step"])
        for name, value in metrics.items():
            if name in SCALARS:
                split = "validation" if "val_" in name else "training"
                summary = scalar(f"{name.removeprefix('val_')}/{split}", value)
                writer.write_event(Event(wall_time=time.time(), step=step, summary=summary))
        writer.flush()

    def close(self, number: int) -> None:
        """Ends the scalars of a trial."""
        if writer := self._open.pop(number, None):
            with suppress(OSError):  # what could not be written was told
                writer.close()
