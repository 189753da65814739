"""The rules between the fields of a whole configuration that are about streams and noise.

The others are held against sweep files in `test_reader`.
"""

from pathlib import Path

import pytest

from sprd.config.reader import parse_sweep
from sprd.config.whole import check_whole
from sprd.errors import ConfigError
from tests.strategies import VOCABULARY

SMALLEST = '[sweep]\nname = "x"\n[data]\nkeywords = ["up"]\n[model]\narchitecture = "tiny_conv"\n'


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ("[augment]\nsnr_low_db = 3.0", r"\[augment\]: snr_low_db must come with snr_high_db"),
        ("[augment]\nsnr_high_db = 3.0", r"\[augment\]: snr_high_db must come with snr_low_db"),
        ("[augment]\nsnr_low_db = 9.0\nsnr_high_db = 3.0", "must hold, got 9 and 3"),
        ("[augment]\nsnr_low_db = 1.0\nsnr_high_db = 3.0\nbackground_volume = 0.1",
         "background_volume: must not stand beside snr_low_db"),
        ('[recognizer]\ninterval_ms = 10', r"\[recognizer\] interval_ms: must be at least"),
        ("[recognizer]\ninterval_ms = 40\n[budget]\ninference_interval_ms = 60",
         r"interval_ms: must be at least \[budget\] inference_interval_ms = 60, got 40"),
        ("[budget]\nmin_worst_tenth_recall = 0.5",
         r"\[budget\] min_worst_tenth_recall: must come with \[recognizer\], got 0.5 and none"),
        ("[budget]\nmax_detection_delay_ms = 500",
         r"\[budget\] max_detection_delay_ms: must come with \[recognizer\]"),
    ],
)  # fmt: skip
def test_broken_rule_is_told_in_one_line(tables: str, message: str) -> None:
    """With the table, the key, the rule and what was got."""
    with pytest.raises(ConfigError, match=message) as caught:
        parse_sweep(SMALLEST + tables, Path("x.toml"), VOCABULARY)
    assert "\n" not in str(caught.value)


def test_point_is_checked_as_a_file_is() -> None:
    """A search may hold points that no device could listen with; not they alone."""
    space = '[space]\n"recognizer.interval_ms" = [10, 40]\n'
    sweep = parse_sweep(f"{SMALLEST}[recognizer]\n{space}", Path("x.toml"), VOCABULARY)
    check_whole(sweep.path, sweep.default)
    with pytest.raises(ConfigError, match="got none in 1000"):
        parse_sweep(SMALLEST + space.replace("40", "15"), Path("x.toml"), VOCABULARY)
