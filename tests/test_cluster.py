"""`cluster.yaml` is what Ray's launcher accepts, and what lets its workers join."""

import importlib.util
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[1]
START_COMMANDS = ("head_start_ray_commands", "worker_start_ray_commands")


LAUNCHED = ("cluster.yaml", "deploy/aws.yaml", "deploy/gcp.yaml")
"""Files for `ray up`."""


@pytest.fixture(scope="module", params=LAUNCHED)
def cluster(request: pytest.FixtureRequest) -> dict[str, Any]:
    """A file as Ray reads it."""
    return yaml.safe_load((ROOT / request.param).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def kuberay() -> list[dict[str, Any]]:
    """What goes to Kubernetes."""
    text = (ROOT / "deploy/kuberay.yaml").read_text(encoding="utf-8")
    return list(yaml.safe_load_all(text))


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """The schema in the installed wheel, found without importing Ray."""
    spec = importlib.util.find_spec("ray")
    assert spec is not None and spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0])
    return json.loads((folder / "autoscaler" / "ray-schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def dockerfile() -> str:
    """The recipe of the image that the cluster runs."""
    return (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_cluster_matches_the_schema_of_ray(cluster: dict[str, Any], schema: dict[str, Any]) -> None:
    """The installed Ray's own schema accepts the file; it would not accept a word for a number."""
    validator = jsonschema.Draft7Validator(schema)
    assert list(validator.iter_errors(cluster)) == []
    assert list(validator.iter_errors({**cluster, "max_workers": "two"}))


def test_cluster_has_no_unknown_key(cluster: dict[str, Any], schema: dict[str, Any]) -> None:
    """Each top-level key is one that Ray knows."""
    assert set(cluster) - set(schema["properties"]) == set()


def test_on_premises_provider_names_its_machines() -> None:
    """The provider `local` needs a head and workers, and refuses node types."""
    cluster = yaml.safe_load((ROOT / "cluster.yaml").read_text(encoding="utf-8"))
    provider = cluster["provider"]
    assert provider["type"] == "local"
    assert provider["head_ip"] and provider["worker_ips"]
    assert provider["head_ip"] not in provider["worker_ips"]
    assert {"available_node_types", "head_node_type"} & set(cluster) == set()


def test_machines_of_your_own_are_started_by_the_first_autoscaler() -> None:
    """The second of Ray 2.60 takes the head for a worker, and leaves the last machine out."""
    cluster = yaml.safe_load((ROOT / "cluster.yaml").read_text(encoding="utf-8"))
    start = next(c for c in cluster["head_start_ray_commands"] if " ray start " in c)
    assert start.startswith("RAY_enable_autoscaler_v2=0 ")


@pytest.mark.parametrize("name", LAUNCHED[1:])
def test_cloud_has_its_workers_from_the_start(name: str) -> None:
    """A trial is asked for only where a CPU is: nodes on demand would never be demanded."""
    cluster = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    types = cluster["available_node_types"]
    assert cluster["head_node_type"] in types
    assert types["worker"]["min_workers"] == types["worker"]["max_workers"] > 0
    assert types["worker"]["max_workers"] <= cluster["max_workers"]


def test_kubernetes_runs_the_pinned_ray_with_a_token(kuberay: list[dict[str, Any]]) -> None:
    """Head and workers run one image, not as root, with the Ray of constraints.txt."""
    claim, job = kuberay
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    spec = job["spec"]["rayClusterSpec"]
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert f"ray=={spec['rayVersion']}\n" in pins
    assert spec["authOptions"] == {"mode": "token"}
    pods = [
        group["template"]["spec"] for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"])
    ]
    assert len({pod["containers"][0]["image"] for pod in pods}) == 1
    assert all(pod["securityContext"]["runAsUser"] == 1000 for pod in pods)
    for pod in pods:
        assert {"name": "SPRD_CACHE", "value": "/tmp/sprd-cache"} in pod["containers"][0]["env"]
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        claimed = volumes["runs"]["persistentVolumeClaim"]["claimName"]
        assert claimed == claim["metadata"]["name"]
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    assert job["spec"]["entrypoint"].startswith("sprd sweep ")


@pytest.mark.parametrize("key", START_COMMANDS)
def test_every_start_command_carries_the_token_mode(cluster: dict[str, Any], key: str) -> None:
    """Without it the workers stay pending for ever; and the kernel ends who takes memory."""
    commands = cluster[key]
    assert any(" ray start " in command for command in commands)
    for command in commands:
        variables = dict(word.split("=", 1) for word in command.split(" ray ")[0].split())
        assert variables["RAY_AUTH_MODE"] == "token", command
        if " ray start " in command:
            assert variables["RAY_memory_monitor_refresh_ms"] == "0", command


def test_every_shell_carries_the_token_mode(cluster: dict[str, Any]) -> None:
    """`ray exec` and `ray attach` run in the container, which has the mode."""
    assert "--env RAY_AUTH_MODE=token" in cluster["docker"]["run_options"]


def test_token_is_copied_to_where_ray_looks(cluster: dict[str, Any]) -> None:
    """Ray's default path of the token is mounted on every node."""
    assert cluster["file_mounts"] == {"~/.ray/auth_token": "~/.ray/auth_token"}


def test_image_names_its_home(dockerfile: str) -> None:
    """Ray's launcher takes HOME from the image's environment and else mounts into /root."""
    user = re.findall(r"^USER (\S+)$", dockerfile, re.MULTILINE)[-1]
    assert f"HOME=/home/{user}" in dockerfile


def test_image_has_what_the_launcher_runs(dockerfile: str) -> None:
    """The launcher runs bash and rsync in the image, and the head reaches workers with ssh."""
    packages = dockerfile.split("apt-get install")[1].split("&&")[0].split()
    assert {"bash", "rsync", "openssh-client", "wget"} - set(packages) == set()


def test_image_takes_sweep_files_from_the_launcher(dockerfile: str) -> None:
    """`ray rsync-up` writes as the image's user, whose the folder of sweep files must be."""
    assert re.search(r"^COPY --chown=(\w+):\1 sweeps /home/\1/sweeps$", dockerfile, re.MULTILINE)


def test_image_has_what_starts_machines_in_the_clouds(dockerfile: str) -> None:
    """The head starts the workers, from the image."""
    assert "p['optional-dependencies']['cloud']" in dockerfile
    assert "'.[synth,media,cluster,cloud]'" in dockerfile


@pytest.mark.parametrize("name", LAUNCHED[1:])
def test_runs_in_the_clouds_outlive_the_container(name: str) -> None:
    """Ray starts the container with --rm: runs lie in a volume with a name."""
    cluster = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    assert "--volume sprd-runs:/runs" in cluster["docker"]["run_options"]


def test_machines_at_amazon_name_their_image() -> None:
    """Without one Ray takes an Ubuntu 18.04 whose disk is larger than the one asked for."""
    cluster = yaml.safe_load((ROOT / "deploy/aws.yaml").read_text(encoding="utf-8"))
    for kind in cluster["available_node_types"].values():
        assert re.fullmatch(r"ami-[0-9a-f]{17}", kind["node_config"]["ImageId"])


@pytest.mark.parametrize("name", LAUNCHED[1:])
@pytest.mark.parametrize("number", [1000, 1001])
def test_user_that_cannot_read_the_token_is_told(name: str, number: int, tmp_path: Path) -> None:
    """The first command on a machine ends with what to do, where the numbers differ."""
    cluster = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    fake = tmp_path / "id"
    fake.write_text(f"#!/bin/sh\necho {number}\n")
    fake.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    command = ["bash", "-c", cluster["initialization_commands"][0]]
    done = subprocess.run(command, env={"PATH": path}, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == (number == 1000)
    assert ("--build-arg UID=1001" in done.stderr) == (number == 1001)


@pytest.mark.parametrize("name", [*LAUNCHED, "docs/cluster.md"])
def test_token_is_made_for_its_owner_alone(name: str) -> None:
    """Ray writes it with the umask of the shell."""
    text = (ROOT / name).read_text(encoding="utf-8")
    assert text.count("ray get-auth-token") == text.count("(umask 077; ray get-auth-token") > 0


def test_image_finds_sprd_in_a_login_shell(dockerfile: str) -> None:
    """The launcher's login shells read /etc/profile, which sets PATH anew."""
    assert re.search(r"/opt/sprd/bin:\$PATH.* > /etc/profile\.d/\w+\.sh", dockerfile)
