"""A whole configuration in, the first rule between its fields that is broken out."""

from pathlib import Path

from sprd.config.frontend import check_band, check_stride
from sprd.config.recognizer import check_recognizer
from sprd.config.trial import AugmentSection, Config
from sprd.errors import ConfigError


def check_whole(path: Path, config: Config) -> None:
    """Checks the rules between fields of one configuration, always in this order.

    The first that is broken is told: of an infeasible point, it is the `error` of its row.

    Raises:
        ConfigError: One is broken.
    """
    check_rules(f"{path} ", config)


def check_rules(file: str, config: Config) -> None:
    """Does so; `file`, "" or one with a space behind it, stands before what is wrong."""
    features, train, data = config.features, config.train, config.data
    check_stride(f"{file}[features]", features)
    interval_ms = config.budget.inference_interval_ms
    if interval_ms is not None and interval_ms < features.window_stride_ms:
        raise ConfigError(
            f"{file}[features] window_stride_ms <= [budget] inference_interval_ms must hold, got"
            f" {features.window_stride_ms} and {interval_ms:g}. There are no new features before."
        )
    if features.window_size_ms > features.clip_duration_ms:
        raise ConfigError(
            f"{file}[features]: window_size_ms <= clip_duration_ms must hold, got "
            f"{features.window_size_ms} and {features.clip_duration_ms}."
        )
    check_band(f"{file}[features]", features)
    if features.preprocess == "micro" and features.sample_rate_hz % 1000:
        raise ConfigError(
            f"{file}[features]: sample_rate_hz must be a multiple of 1000 for the micro front end,"
            f" got {features.sample_rate_hz}. Audio is resampled to what stands here."
        )
    if data.validation_percentage + data.testing_percentage > 80:
        raise ConfigError(
            f"{file}[data]: validation_percentage + testing_percentage <= 80 must hold, got "
            f"{data.validation_percentage:g} + {data.testing_percentage:g}. Leave some to train on."
        )
    if data.personal and data.split == "lists":
        raise ConfigError(
            f"{file}[data]: personal = true must come without split = 'lists', which deals"
            " speakers. Remove one of them."
        )
    if train.schedule == "cosine" and len(train.phases) > 1:
        raise ConfigError(
            f"{file}[train]: schedule 'cosine' takes one number of steps, got {train.steps}."
        )
    _check_noise(f"{file}[augment]", config.augment)
    _check_streams(file, config)


def _check_noise(where: str, augment: AugmentSection) -> None:
    low, high = augment.snr_low_db, augment.snr_high_db
    if (low is None) != (high is None):
        key, missing = ("snr_low_db", "snr_high_db")[:: 1 if high is None else -1]
        raise ConfigError(f"{where}: {key} must come with {missing}, got one alone. Give both.")
    if low is not None and high is not None and low > high:
        raise ConfigError(
            f"{where}: snr_low_db <= snr_high_db must hold, got {low:g} and {high:g}."
        )


def _check_streams(file: str, config: Config) -> None:
    recognizer, interval_ms = config.recognizer, config.interval_ms
    if recognizer is None or interval_ms is None:
        for limit in config.budget.stream_limits:
            raise ConfigError(
                f"{file}[budget] {'min' if limit.is_minimum else 'max'}_{limit.key}: must come with"
                f" [recognizer], got {limit.bound:g} and none. Add the table, it may be empty:"
                " without it nothing is scored on streams."
            )
        return
    features, asked_ms = config.features, config.budget.inference_interval_ms
    check_recognizer(
        f"{file}[recognizer]",
        recognizer,
        interval_ms,
        features.window_stride_ms,
        features.clip_duration_ms,
        len(config.data.keywords),
    )
    if asked_ms is not None and interval_ms < asked_ms:
        raise ConfigError(
            f"{file}[recognizer] interval_ms: must be at least [budget] inference_interval_ms ="
            f" {asked_ms:g}, got {interval_ms}. That is what the board is to keep up with."
        )
