"""What crosses the border between driver and worker: a `Job` goes out, an `Outcome` comes back."""

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sprd.config.trial import Config

_APART_STEP = "apart_step"


@dataclass(frozen=True)
class Job:
    """One training, as a worker gets it.

    `training_label` is what its checkpoints say of themselves, `checkpoint` the folder or URI of
    one that an interrupted command left, None where it starts anew. For the rest see
    `sprd.sweep.search.jobs.Candidate`.
    """

    number: int
    name: str
    config: Config
    fold: tuple[int, int] | None
    is_apart: bool
    training_label: str
    checkpoint: str | None

    def pack(self) -> dict[str, Any]:
        """Returns the configuration that Tune hands on: text that is checked on the other side.

        It is JSON, compressed, since the driver's Tune keeps ten copies or so of it, of every
        training until its round is over. Its number stands beside it, for the names of Tune's
        folders.
        """
        fields = {**vars(self), "config": self.config.model_dump_json()}
        text = zlib.compress(json.dumps(fields).encode())
        return {"number": self.number, "job": base64.b64encode(text).decode()}

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> "Job":
        """Reads what `pack` gave.

        Raises:
            ValueError, KeyError, TypeError, zlib.error: Another version of sprd packed it.
        """
        fields = json.loads(zlib.decompress(base64.b64decode(packed["job"])))
        fold = fields["fold"]
        return cls(
            **{
                **fields,
                "config": Config.model_validate_json(fields["config"]),
                "fold": None if fold is None else (fold[0], fold[1]),
            }
        )


def pack_progress(job: Job, metrics: Mapping[str, float]) -> dict[str, float]:
    """Returns what a training reports to Tune while it goes on.

    What is apart has neither step nor metric: no scheduler compares it with others, or stops it.
    """
    return {_APART_STEP: metrics["step"]} if job.is_apart else dict(metrics)


def step_of(reported: Mapping[str, Any]) -> int | None:
    """Returns the step of such a report; None where it has none."""
    step = reported.get("step", reported.get(_APART_STEP))
    return None if step is None else int(step)


def folder_name(packed: Mapping[str, Any]) -> str:
    """Returns the name of a training's folder in Tune's."""
    return f"trial-{packed['number']}"
