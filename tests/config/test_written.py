"""What the keys of a sweep file say, however the file is laid out."""

import pytest

from sprd.config.written import written_keys


def test_every_value_is_written_as_a_sweep_file_has_it() -> None:
    """Truth values, texts, lists and tables in a line stand as TOML has them."""
    text = """
    n = 3
    [train]
    steps = [100, 50]
    is_fast = true  # a comment
    [space]
    "model.kernel" = { low = 3, log = false }
    [[start]]
    "model.kernel" = 5
    """
    assert written_keys(text) == {
        "n": "3",
        "[train] steps": "[100, 50]",
        "[train] is_fast": "true",
        "[space] model.kernel": "{ low = 3, log = false }",
        "[start]": "[{ model.kernel = 5 }]",
    }


@pytest.mark.parametrize("other", ["[a]\nc = 'x'\nb = 1", '[a] # why\nb   =  1\nc = "x"'])
def test_layout_does_not_count(other: str) -> None:
    """Order, spaces, quotes and comments change nothing."""
    assert written_keys(other) == written_keys('[a]\nb = 1\nc = "x"')
