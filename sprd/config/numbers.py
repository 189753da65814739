"""What the numbers of a trial are: the one table of scores and costs, and where each comes from.

A key in, its `Number` out. Every room that shows a number reads it here, so that a value is the
same text in a log, a table, a page and a bundle.
"""

from collections.abc import Mapping

from sprd.config.number import (
    AN_HOUR,
    BYTES,
    COUNT,
    MICROJOULES,
    MILLISECONDS,
    PLAIN,
    SHARE,
    Number,
)

_ON_STREAMS = "mean over 1 .. 20 false accepts an hour of speech, on streams of validation speakers"
_AT_THRESHOLD = "share of the keywords of a stream heard at the fitted threshold"
_FALSE_ACCEPTS = "keywords heard an hour in running speech, at the fitted threshold"
_DELAY = "from the end of a word to its detection, at the fitted threshold"
_ON_CLIPS = "the int8 model in TensorFlow Lite Micro, on clips of the speakers of the split"

NUMBERS: Mapping[str, Number] = {
    one.key: one
    for one in (
        Number(
            "balanced_accuracy",
            "balanced accuracy",
            SHARE,
            "score",
            short="accuracy",
            is_more_better=True,
            source=_ON_CLIPS,
        ),
        Number(
            "accuracy",
            "accuracy",
            SHARE,
            "score",
            short="plain accuracy",
            is_more_better=True,
            source=_ON_CLIPS,
        ),
        Number(
            "false_accept_rate",
            "false accept rate",
            SHARE,
            "score",
            short="false accepts",
            source=_ON_CLIPS,
        ),
        Number(
            "false_reject_rate",
            "false reject rate",
            SHARE,
            "score",
            short="false rejects",
            source=_ON_CLIPS,
        ),
        Number(
            "recall_streaming",
            "recall on streams",
            SHARE,
            "stream",
            short="recall",
            is_more_better=True,
            source=_ON_STREAMS,
        ),
        Number(
            "recall_streaming_20db",
            "recall on streams at 20 dB",
            SHARE,
            "stream",
            short="recall 20 dB",
            is_more_better=True,
            source=_ON_STREAMS,
        ),
        Number(
            "recall_streaming_10db",
            "recall on streams at 10 dB",
            SHARE,
            "stream",
            short="recall 10 dB",
            is_more_better=True,
            source=_ON_STREAMS,
        ),
        Number(
            "worst_tenth_recall",
            "recall of the worst tenth of speakers",
            SHARE,
            "stream",
            short="worst tenth",
            is_more_better=True,
            source="mean recall on streams of the tenth of the speakers that is heard worst",
        ),
        Number(
            "false_accepts_per_hour",
            "false accepts in speech",
            AN_HOUR,
            "stream",
            short="accepts",
            source=_FALSE_ACCEPTS,
        ),
        Number(
            "detection_delay_ms",
            "detection delay",
            MILLISECONDS,
            "stream",
            short="delay",
            source=_DELAY,
        ),
        Number(
            "flash_bytes",
            "flash",
            BYTES,
            "cost",
            needs_board=True,
            source="estimate: the model, TensorFlow Lite Micro and the kernels of its ops",
        ),
        Number(
            "ram_bytes",
            "ram",
            BYTES,
            "cost",
            short="RAM",
            long="RAM",
            needs_board=True,
            source="estimate: the arena, the front end, features, audio and the stack",
        ),
        Number(
            "model_bytes",
            "model",
            BYTES,
            "cost",
            long="model size",
            source="size of model.tflite",
        ),
        Number(
            "arena_bytes",
            "arena",
            BYTES,
            "cost",
            long="tensor arena",
            source="upper bound for a 32-bit core with the board's kernels, by TFLM's own rules",
        ),
        Number(
            "arena_host_bytes",
            "arena host",
            BYTES,
            "cost",
            long="tensor arena on the host",
            source="allocated by TensorFlow Lite Micro on the exporting machine, exact",
        ),
        Number(
            "macs",
            "macs",
            COUNT,
            "cost",
            short="MACs",
            long="multiply-accumulates",
            source="counted in the graph",
        ),
        Number(
            "instructions",
            "instructions",
            COUNT,
            "cost",
            short="instr.",
            source="cost model of CMSIS-NN's kernels, fitted to an emulated Cortex-M4",
            source_when={"emulated": "counted on an emulated core, whose outputs equal TFLM's"},
        ),
        Number(
            "latency_ms",
            "latency",
            MILLISECONDS,
            "cost",
            needs_board=True,
            source_when={
                "model": "estimate from the graph, a model of the core and its kernels",
                "emulated": "estimate from instructions counted on an emulated core",
                "board": "measured on the board",
            },
        ),
        Number(
            "energy_uj",
            "energy",
            MICROJOULES,
            "cost",
            needs_board=True,
            source="of one inference: latency_ms times the active power of the board file",
        ),
        Number(
            "arena_reserve_bytes",
            "arena reserve",
            BYTES,
            source="arena_bytes, and what TFLM's planner needs more to start",
        ),
        Number(
            "frontend_ms",
            "front end",
            MILLISECONDS,
            source="of one frame, or of one interval's: instructions counted on an emulated core",
        ),
        Number(
            "cpu_share",
            "cpu share",
            SHARE,
            source="front end and inference over the interval, or over the stride where none is"
            " set",
        ),
        Number(
            "accuracy_drop",
            "accuracy drop",
            SHARE,
            source="balanced accuracy of the float model less that of the int8 model",
        ),
        Number(
            "float_balanced_accuracy",
            "balanced accuracy of the float model",
            SHARE,
            is_more_better=True,
            source="the float model on clips of validation speakers",
        ),
        Number(
            "val_balanced_accuracy",
            "balanced accuracy",
            SHARE,
            is_more_better=True,
            source="the float model on clips of validation speakers, while it trained",
        ),
        Number(
            "recall_streaming_5db",
            "recall on streams at 5 dB",
            SHARE,
            is_more_better=True,
            source=_ON_STREAMS,
        ),
        Number(
            "recall_at_threshold",
            "recall at the fitted threshold",
            SHARE,
            is_more_better=True,
            source=_AT_THRESHOLD,
        ),
        Number(
            "recall_at_threshold_20db",
            "recall at the fitted threshold at 20 dB",
            SHARE,
            is_more_better=True,
            source=_AT_THRESHOLD,
        ),
        Number(
            "recall_at_threshold_10db",
            "recall at the fitted threshold at 10 dB",
            SHARE,
            is_more_better=True,
            source=_AT_THRESHOLD,
        ),
        Number(
            "recall_at_threshold_5db",
            "recall at the fitted threshold at 5 dB",
            SHARE,
            is_more_better=True,
            source=_AT_THRESHOLD,
        ),
        Number(
            "false_accepts_per_hour_words",
            "false accepts in other words",
            AN_HOUR,
            source="keywords heard an hour in other words said one after another, at the fitted"
            " threshold",
        ),
        Number(
            "detection_delay_p95_ms",
            "detection delay, 95 of 100",
            MILLISECONDS,
            source=_DELAY,
        ),
    )
}
"""Every score and cost by its key, objectives in the order in which they are listed."""

SCORES = tuple(key for key, one in NUMBERS.items() if one.role == "score")
"""Scores of the int8 model on validation speakers."""

STREAM_SCORES = tuple(key for key, one in NUMBERS.items() if one.role == "stream")
"""Scores of the int8 model and its recognizer on streams of validation speakers."""

COSTS = tuple(key for key, one in NUMBERS.items() if one.role == "cost")
"""What a model takes: less of it is better. Fields of a footprint and keys of `[budget]`."""

COSTS_OF_A_BOARD = tuple(key for key in COSTS if NUMBERS[key].needs_board)
"""Costs that nobody can tell without a board."""

KEYS = (*SCORES, *STREAM_SCORES, *COSTS)
"""What can decide among trials."""


def number_of(key: str) -> Number:
    """Returns a number by its key; `recall up` is the recall of a label.

    Of a key that is none here, a newer version's say, the words are made from the key.
    """
    if key in NUMBERS:
        return NUMBERS[key]
    if key.startswith("recall "):
        return Number(key, key, SHARE, is_more_better=True, source=_ON_CLIPS)
    return Number(key, key.replace("_", " "), PLAIN)
