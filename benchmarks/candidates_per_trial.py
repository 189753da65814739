"""How many candidates are asked for until one fits a tight budget: sprd, and stock OptunaSearch.

    python benchmarks/candidates_per_trial.py --data FOLDER [--n 40] [--steps 200] [--seed 1]

Same space (`sweeps/frontier_up_down.toml`), objectives, seed and budget (12,000 B of model, 4,500 B
of host arena, 0.30 M instructions). Both train, briefly, in this process, one candidate after
another. sprd measures each candidate first and rejects it there; OptunaSearch has no notion of a
limit, so that it trains what it asks for, and each model is measured afterwards. Of both those are
counted that fit.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

from sprd.model.start import load_tensorflow, set_threads

load_tensorflow()
set_threads(1)

from hypervolume import InMemory  # noqa: E402
from ray.tune.search.optuna import OptunaSearch  # noqa: E402

from sprd.audio.corpus import Corpus, open_corpus  # noqa: E402
from sprd.config.budget import Budget  # noqa: E402
from sprd.config.frozen import replaced  # noqa: E402
from sprd.config.reader import load_sweep, resolve  # noqa: E402
from sprd.config.sweep import SweepConfig  # noqa: E402
from sprd.config.trial import Config  # noqa: E402
from sprd.sweep.run import VOCABULARY  # noqa: E402
from sprd.sweep.search.sampler import Sampler  # noqa: E402
from sprd.sweep.search.search import Search  # noqa: E402
from sprd.sweep.trial.outcome import Outcome  # noqa: E402
from sprd.sweep.trial.train import run_trial  # noqa: E402

ROOT = Path(__file__).parents[1]
TIGHT = {"model_bytes": 12_000, "arena_host_bytes": 4_500, "instructions": 300_000}
N_FIRST = 20


def main() -> None:
    """Prints one line a searcher."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--n", type=int, default=40, help="trials that fit")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=400, help="candidates before one gives up")
    args = parser.parse_args()
    file = load_sweep(ROOT / "sweeps/frontier_up_down.toml", VOCABULARY)
    rules = {"n_trials": args.n, "seed": args.seed, "max_minutes": None}
    sweep = replaced(
        short(file, args.steps, args.seed),
        sweep=replaced(file.sweep, **rules),
        start=(),  # neither of the two gets a head start
        references=(),
    )
    corpus = open_corpus(sweep.default.data, (args.data,))
    print(f"{args.n} trials that fit {TIGHT}, {args.steps} steps each, seed {args.seed}")
    for name, run in (("sprd", with_sprd), ("OptunaSearch", with_optuna_search)):
        start = time.perf_counter()
        fits = run(sweep, corpus, args.n, args.most)
        late, after = ratio(fits, args.n), fits[N_FIRST:]
        print(
            f"{name:13}{len(fits)} candidates, {sum(fits)} fit; candidates a trial that fits:"
            f" after the first {N_FIRST} trials {late}, after the first {N_FIRST} candidates"
            f" {len(after) / max(sum(after), 1):.2f}; {time.perf_counter() - start:.0f} s"
        )


def ratio(fits: list[bool], n: int) -> str:
    """Candidates a trial that fits, after the first 20 of those."""
    if sum(fits) <= N_FIRST:
        return f"unknown: only {sum(fits)} fit"
    where = [i for i, one in enumerate(fits) if one][N_FIRST - 1] + 1
    return f"{(len(fits) - where) / (min(sum(fits), n) - N_FIRST):.2f}"


def short(file: SweepConfig, n_steps: int, seed: int) -> SweepConfig:
    """Returns a sweep whose trials are trained so many steps, within the tight budget."""
    steps = {"steps": n_steps, "eval_interval": n_steps}
    board = file.default.budget.board
    default = replaced(
        file.default,
        seed=seed,
        train=replaced(file.default.train, **steps),
        budget=Budget.model_validate({"board": board, **TIGHT}),
    )
    base = {**file.base, "train": {**file.base["train"], **steps}}
    return replaced(file, base=base, default=default)


def with_sprd(sweep: SweepConfig, corpus: Corpus, n: int, most: int) -> list[bool]:
    """Returns whether each candidate fitted, in order."""
    search = Search(sweep, InMemory())
    while not search.is_done and len(search.trials) < most:
        candidate = search.next()
        if candidate is None:
            break
        outcome = run_trial(candidate.config, corpus, lambda metrics, save: None)
        search.ended(candidate.number, replace(outcome, files={}))
    return [row.status == "trained" for row in search.trials]


def with_optuna_search(sweep: SweepConfig, corpus: Corpus, n: int, most: int) -> list[bool]:
    """Returns whether each candidate fitted, in order."""
    distributions = dict(Sampler(sweep)._distributions({}))
    keys = [objective.key for objective in sweep.objectives]
    modes = ["max" if objective.maximize else "min" for objective in sweep.objectives]
    searcher = OptunaSearch(distributions, metric=keys, mode=modes, seed=sweep.sweep.seed)
    fits: list[bool] = []
    while sum(fits) < n and len(fits) < most:
        name = str(len(fits))
        config = resolve(sweep, searcher.suggest(name))
        outcome = trained_anyway(config, corpus)
        row = {**outcome.metrics, **outcome.footprint}
        searcher.on_trial_complete(name, {key: row[key] for key in keys})
        fits.append(all(outcome.footprint[key] <= limit for key, limit in TIGHT.items()))
    return fits


def trained_anyway(config: Config, corpus: Corpus) -> Outcome:
    """Trains a configuration whatever its size."""
    free = config.budget.model_copy(update=dict.fromkeys(TIGHT))
    outcome = run_trial(
        config.model_copy(update={"budget": free}), corpus, lambda metrics, save: None
    )
    return replace(outcome, files={})


if __name__ == "__main__":
    main()
