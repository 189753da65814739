"""Seeds made from seeds: the same for ever, and unlike their neighbours'."""

from sprd.config.seeds import generator_of, hash_seed


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


def test_generator_depends_on_its_names_alone() -> None:
    """And on where one ends and the next begins; its first number is that of every run before."""
    assert generator_of("a", 1).random() == generator_of("a", 1).random() == 0.35383389519086195
    values = {generator_of(*names).random() for names in (("a", 1), ("a", 2), ("a1",), ("b", 1))}
    assert len(values) == 4
