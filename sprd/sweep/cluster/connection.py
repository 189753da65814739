"""An address in, Ray for as long as trainings are to run: of a cluster, or of this machine."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import ray
from ray.exceptions import RayError

from sprd.config.sweep import SweepConfig
from sprd.disk.atomic import CACHE_VARIABLE, cache_folder
from sprd.disk.process import quiet_stderr
from sprd.errors import SprdError
from sprd.sweep.cluster import compat
from sprd.sweep.cluster.slots import check_slots

CONNECT_TIMEOUT_S = 10.0


@contextmanager
def connected(sweep: SweepConfig, address: str | None, temporary: Path | None) -> Iterator[None]:
    """Keeps Ray for as long as trainings are to run.

    Args:
        sweep: The sweep file.
        address: A Ray cluster, or None to start Ray on this machine.
        temporary: Ray's folder on this machine; None with an address.

    Raises:
        SprdError: The cluster cannot be reached, or no trial can ever be placed.
    """
    with ExitStack() as stack:
        stack.enter_context(compat.ends_when_interrupted())
        stack.enter_context(compat.memory_deaths_are_actor_deaths())
        stack.callback(ray.shutdown)
        with compat.sigterm_as_before(), compat.own_session():
            _connect(address, _worker_variables(sweep, address), temporary)
        check_slots(sweep, nodes())
        yield


def nodes() -> list[Mapping[str, float]]:
    """Returns what each node that is alive has."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def _worker_variables(sweep: SweepConfig, address: str | None) -> dict[str, str]:
    variables = dict(compat.WORKER_VARIABLES)
    if sweep.sweep.gpus_per_trial == 0:
        variables["CUDA_VISIBLE_DEVICES"] = ""
    if address is None:  # each node of a cluster has its own
        variables[CACHE_VARIABLE] = str(cache_folder())  # workers change their folder
    return variables


def _connect(
    address: str | None, worker_variables: Mapping[str, str], temporary: Path | None
) -> None:
    local = {"include_dashboard": False, "_temp_dir": str(temporary)}
    try:
        if address is not None:
            _check_reachable(address)
        with quiet_stderr():
            ray.init(
                address=address or "local",
                log_to_driver=False,
                logging_level="CRITICAL",  # what goes wrong becomes a row
                runtime_env={"env_vars": dict(worker_variables)},
                job_config=compat.OwnJob(),
                **(local if address is None else {}),
            )
    except (OSError, RuntimeError, ValueError, RayError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        if address is None:
            raise SprdError(
                f"Ray must start on this machine: {reason}. Look for room, and for a Ray of"
                " another version."
            ) from error
        raise SprdError(
            f"--address {address}: must be a running Ray cluster: {reason}. Start one with 'ray"
            " start --head'; where it asks for a token, set RAY_AUTH_MODE=token here too."
        ) from error


def _check_reachable(address: str) -> None:
    """Tries to connect to "host:port": Ray itself would wait for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit() and "/" not in host:
        with socket.create_connection((host, int(port)), timeout=CONNECT_TIMEOUT_S):
            return
