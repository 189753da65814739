"""What a model may take and must score: `[budget]` of a sweep file, frozen, and its limits out."""

from typing import Annotated, Literal

from pydantic import Field

from sprd.config.board import BoardField
from sprd.config.build import BuildField
from sprd.config.frozen import Section, is_unset
from sprd.config.limits import LEAST_KEYS, LIMITED_KEYS, MOST_KEYS, Limit, at_least, at_most

Bytes = Annotated[int, Field(ge=0)] | None
Share = Annotated[float, Field(ge=0, le=1)] | None


class Budget(Section):
    """Upper limits, lower ones behind `min_`. What is unset is not limited; a board limits flash
    and RAM by itself.
    """

    board: BoardField | None = Field(
        None, description="Board to fit, see `sprd boards`, or a board file."
    )
    build: BuildField = Field(
        None,
        exclude=True,
        description="Build of the board, see `sprd boards`. Unset: as `defaults` say.",
    )
    flash_bytes: Bytes = Field(None, description="Flash: model and code. Unset: the board's.")
    ram_bytes: Bytes = Field(
        None, description="RAM: arena, audio, features, stack. Unset: board's."
    )
    model_bytes: Bytes = Field(None, description="Bytes of the .tflite file.")
    arena_bytes: Bytes = Field(None, description="Tensor arena on the board.")
    arena_host_bytes: Bytes = Field(None, description="Tensor arena that TFLM needs on this host.")
    macs: Bytes = Field(None, description="Multiply-accumulates of one inference.")
    instructions: Bytes = Field(
        None, description="Instructions of one inference on the core; estimated."
    )
    latency_ms: float | None = Field(
        None, gt=0, description="Milliseconds of one inference on the board; its estimate."
    )
    energy_uj: float | None = Field(
        None,
        gt=0,
        description="Microjoules of one inference on the board; estimated from its active power.",
    )
    inference_interval_ms: float | None = Field(
        None,
        gt=0,
        le=3_600_000,
        description="Milliseconds between two inferences: front end and inference must fit into "
        "it. Unset: not looked at.",
    )
    verify: Literal["model", "emulated"] = Field(
        "model",
        description="How the winner's instructions are told before its export: by the cost model, "
        "or counted on an emulated core, which also compares every output byte.",
    )
    max_accuracy_drop: float | None = Field(
        0.02,
        ge=0,
        le=1,
        description="Most that int8 may lose against float in balanced accuracy on validation.",
    )
    max_false_accept_rate: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Share of other words and silence that int8 may hear as a keyword, on "
        "validation.",
    )
    max_false_accepts_per_hour: float | None = Field(
        None,
        ge=0,
        exclude_if=is_unset,
        description="Keywords heard an hour in running speech of validation speakers.",
    )
    max_detection_delay_ms: float | None = Field(
        None,
        gt=0,
        exclude_if=is_unset,
        description="Milliseconds from the end of a word to its detection, the median.",
    )
    min_recall_streaming: Share = Field(
        None, exclude_if=is_unset, description="Least recall on streams, in quiet."
    )
    min_recall_streaming_20db: Share = Field(
        None, exclude_if=is_unset, description="Least recall on streams, at 20 dB over noise."
    )
    min_recall_streaming_10db: Share = Field(
        None, exclude_if=is_unset, description="Least recall on streams, at 10 dB over noise."
    )
    min_worst_tenth_recall: Share = Field(
        None, exclude_if=is_unset, description="Least recall of the worst tenth of speakers."
    )

    @property
    def limits(self) -> tuple[Limit, ...]:
        """The limits of what a model takes: the budget's own, else its board's flash and RAM.

        Those of scores are not among them, see `score_limits`.
        """
        own = {key: getattr(self, key) for key in LIMITED_KEYS}
        if self.board is None:
            return at_most(own)
        given = {key: bound for key, bound in own.items() if bound is not None}
        return at_most({**self.board.bounds, **given})

    @property
    def score_limits(self) -> tuple[Limit, ...]:
        """What the int8 scores on validation speakers may not exceed, or must reach."""
        clips = {
            "accuracy_drop": self.max_accuracy_drop,
            "false_accept_rate": self.max_false_accept_rate,
        }
        return at_most(clips) + self.stream_limits

    @property
    def stream_limits(self) -> tuple[Limit, ...]:
        """Those of the scores on streams."""
        most = {key: getattr(self, f"max_{key}") for key in MOST_KEYS}
        least = {key: getattr(self, f"min_{key}") for key in LEAST_KEYS}
        return at_most(most) + at_least(least)

    @property
    def all_limits(self) -> tuple[Limit, ...]:
        """The limits of what a model takes, then those of its scores."""
        return self.limits + self.score_limits
