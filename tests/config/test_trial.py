"""What a trial's configuration computes and dumps."""

from pathlib import Path

from sprd.config.reader import parse_sweep
from sprd.config.trial import Config
from tests.strategies import VOCABULARY

SMALLEST = '[sweep]\nname = "x"\n[data]\nkeywords = ["up"]\n[model]\narchitecture = "tiny_conv"\n'

OF_BEFORE = {
    "data": "source extra keywords silence_percentage unknown_percentage validation_percentage"
    " testing_percentage split personal split_salt max_bad_percentage n_voices n_takes"
    " n_other_words",
    "augment": "time_shift_ms background_frequency background_volume babble_frequency"
    " babble_volume gain_db n_variants time_mask_frames channel_mask_channels",
    "budget": "board flash_bytes ram_bytes model_bytes arena_bytes arena_host_bytes macs"
    " instructions latency_ms energy_uj inference_interval_ms verify max_accuracy_drop"
    " max_false_accept_rate",
}
"""The keys of a dump of version 9badef2 and after, in their order."""


def parse(more: str = "") -> Config:
    """Returns the configuration of the smallest sweep file with more tables behind it."""
    return parse_sweep(SMALLEST + more, Path("x.toml"), VOCABULARY).default


def test_dump_of_an_old_file_has_the_keys_of_before() -> None:
    """Byte for byte what a store's key, a record and a manifest were made from."""
    dumped = parse().model_dump(mode="json")
    assert list(dumped) == ["seed", "n_threads", "data", "features", "augment", "model", "train",
                            "budget"]  # fmt: skip
    for table, keys in OF_BEFORE.items():
        assert list(dumped[table]) == keys.split(), table


def test_dump_tells_what_came_later_where_it_is_on() -> None:
    """And reads back as the same configuration."""
    config = parse(
        "[augment]\ncontext_ms = 1000\nsnr_low_db = 0.0\nsnr_high_db = 30.0\n"
        "[recognizer]\nthreshold = [180]\n[budget]\nmin_recall_streaming = 0.5\n"
    )
    dumped = config.model_dump(mode="json")
    assert dumped["augment"]["snr_low_db"] == 0.0
    assert dumped["recognizer"]["threshold"] == [180]
    assert dumped["budget"]["min_recall_streaming"] == 0.5
    assert Config.model_validate_json(config.model_dump_json()) == config


def test_several_sources_stand_in_place_of_one() -> None:
    """A file that names one has that alone."""
    data = parse().data
    assert data.all_sources == ("synthetic",)
    assert type(data)(keywords=("up",), sources=("a", "b")).all_sources == ("a", "b")


def test_interval_is_that_of_the_recognizer() -> None:
    """None where nothing is scored on streams."""
    assert parse().interval_ms is None
    assert parse("[recognizer]\ninterval_ms = 60\n").interval_ms == 60
    assert parse("[recognizer]\n[budget]\ninference_interval_ms = 99.5\n").interval_ms == 100
