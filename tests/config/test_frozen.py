"""Frozen types of tables: what a copy with other values checks."""

import pytest
from pydantic import ValidationError

from sprd.config.budget import Budget
from sprd.config.frozen import replaced
from sprd.config.trial import FeaturesSection


def test_copy_has_the_other_values_and_the_rest() -> None:
    """The original stays as it is."""
    before = FeaturesSection(n_channels=20, preprocess="mfcc")
    after = replaced(before, n_channels=16)
    assert (after.n_channels, after.preprocess, before.n_channels) == (16, "mfcc", 20)
    assert after == FeaturesSection(n_channels=16, preprocess="mfcc")


@pytest.mark.parametrize(
    ("section", "values", "place"),
    [
        (FeaturesSection(), {"n_channels": 2}, ("n_channels",)),
        (FeaturesSection(), {"n_chanels": 20}, ("n_chanels",)),
        (Budget(), {"flash_bytes": "9"}, ("flash_bytes",)),
    ],
    ids=str,
)
def test_copy_is_checked(
    section: FeaturesSection | Budget, values: dict[str, object], place: tuple[str]
) -> None:
    """A value that breaks a rule is refused, and a name that is none."""
    with pytest.raises(ValidationError) as caught:
        replaced(section, **values)
    assert caught.value.errors()[0]["loc"] == place
