"""How many trials the nodes of a cluster hold at once. No Ray: nodes are what each has."""

from collections.abc import Mapping, Sequence

from sprd.config.sweep import SweepConfig
from sprd.errors import ConfigError

Node = Mapping[str, float]
"""Amounts by Ray's names: "CPU", "GPU"."""


def resources(sweep: SweepConfig) -> dict[str, float]:
    """Returns what Ray sets aside for a trial."""
    wanted = {"cpu": sweep.sweep.cpus_per_trial, "gpu": sweep.sweep.gpus_per_trial}
    return {name: amount for name, amount in wanted.items() if amount}


def check_slots(sweep: SweepConfig, nodes: Sequence[Node]) -> int:
    """Returns how many trials are to run at once.

    Raises:
        ConfigError: Not one trial fits on the nodes that there are: it would wait for ever.
    """
    available = slots_wanted(sweep, nodes)
    if available == 0:
        for key, name, needed in (
            ("cpus_per_trial", "CPU", sweep.sweep.cpus_per_trial),
            ("gpus_per_trial", "GPU", sweep.sweep.gpus_per_trial),
        ):
            per_node = [node.get(name, 0) for node in nodes]
            if not any(amount >= needed for amount in per_node):
                raise ConfigError(
                    f"{sweep.path} [sweep] {key}: must fit on a node, got {needed:g}; the nodes"
                    f" have {[int(n) for n in per_node]} {name}s. Lower it."
                )
        raise ConfigError(
            f"{sweep.path} [sweep]: cpus_per_trial and gpus_per_trial must fit on one node together"
            ", got none that has both. Lower one."
        )
    return available


def slots_wanted(sweep: SweepConfig, nodes: Sequence[Node]) -> int:
    """Returns how many trials are to run at once: what the nodes hold, or fewer if asked."""
    available = n_slots(sweep, nodes)
    return min(available, sweep.sweep.max_concurrent_trials or available)


def n_slots(sweep: SweepConfig, nodes: Sequence[Node]) -> int:
    """Returns how many trials the nodes hold, given what each has of "CPU" and "GPU"."""
    cpus, gpus = sweep.sweep.cpus_per_trial, sweep.sweep.gpus_per_trial
    found = 0
    for node in nodes:
        n = int(node.get("CPU", 0) // cpus)
        if gpus:  # a trial's share is of one GPU, not of parts of two
            n = min(n, int(node.get("GPU", 0)) * int(1 / gpus + 1e-9))
        found += n
    return found


def amounts(resources: Mapping[str, float]) -> str:
    """Words the CPUs and GPUs among what Ray counts."""
    found = {name.upper(): amount for name, amount in resources.items()}
    return ", ".join(f"{found.get(name, 0):g} {name}" for name in ("CPU", "GPU"))
