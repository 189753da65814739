"""Seeds made from seeds: the same for ever, and unlike their neighbours'."""

from sprd.sweep.search.seeds import hash_seed


def test_seeds_are_those_of_every_run_before() -> None:
    """The first four bytes of a SHA-256: changed, no run could be continued."""
    assert [hash_seed(*pair) for pair in ((0, 0), (0, 1), (1, 0), (7, 123))] == [
        2893166218,
        4011020074,
        2791857979,
        2573706733,
    ]


def test_seeds_differ_by_seed_and_number() -> None:
    """Also where the digits of both are the same."""
    found = {hash_seed(seed, number) for seed in range(100) for number in range(100)}
    assert len(found) > 9990
    assert hash_seed(1, 11) != hash_seed(11, 1)
    assert all(0 <= seed < 2**32 for seed in found)
