"""Environment variables that Ray and Tune must find, some at their import: no Ray here."""

from collections.abc import Mapping

DRIVER: Mapping[str, str] = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_MAX_PENDING_TRIALS_PG": "1000",  # ours is the limit: the slots
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",  # folds have none
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",  # our table is the state
    # Ctrl-C reaches us as KeyboardInterrupt; Tune would swallow it.
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    # The kernel ends the largest process. Ray would end the youngest, or many.
    "RAY_memory_monitor_refresh_ms": "0",
}
"""Of the process that runs the sweep, and of a Ray that it starts."""

LOCAL: Mapping[str, str] = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""Where Ray is started on this machine: without it its servers listen on every interface."""
