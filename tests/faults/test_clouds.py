"""`deploy/` against the clouds' own words on a request for machines: Ray's schema has none."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = [pytest.mark.faults, pytest.mark.short]

ROOT = Path(__file__).parents[2]
INSTALL = "pip install -c constraints.txt -e '.[cloud]'"

START = """
import sys, yaml
from ray.autoscaler._private.commands import _bootstrap_config
from ray.autoscaler._private.providers import _get_node_provider
with open(sys.argv[1]) as file:
    config = _bootstrap_config(yaml.safe_load(file), no_config_cache=True)
provider = _get_node_provider(config["provider"], config["cluster_name"])
for name, kind in config["available_node_types"].items():
    tags = {"ray-user-node-type": name, "ray-launch-config": "", "ray-node-status": ""}
    provider.create_node(kind["node_config"], tags, 1)
"""
"""What `ray up` does until the machines are asked for, and the head for its workers."""


def test_amazon_takes_the_request_for_machines(
    amazon: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Ray with `deploy/aws.yaml` against moto's EC2: a head, a worker on spot, their profile."""
    import boto3

    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{amazon}")
    monkeypatch.setenv("HOME", str(tmp_path))  # Ray puts the key that it makes into ~/.ssh
    cluster = yaml.safe_load((ROOT / "deploy/aws.yaml").read_text(encoding="utf-8"))
    region = cluster["provider"]["region"]
    boto3.client("iam", region).create_instance_profile(InstanceProfileName="sprd")
    command = [sys.executable, "-c", START, str(ROOT / "deploy/aws.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    reservations = boto3.client("ec2", region).describe_instances()["Reservations"]
    machines = [machine for one in reservations for machine in one["Instances"]]
    asked = {tags(machine)["ray-user-node-type"]: machine for machine in machines}
    print({name: machine["InstanceType"] for name, machine in asked.items()})
    kinds = cluster["available_node_types"]
    assert len(machines) == 2 and asked.keys() == kinds.keys()
    for name, machine in asked.items():
        assert machine["ImageId"] == kinds[name]["node_config"]["ImageId"]
        assert machine["InstanceType"] == kinds[name]["node_config"]["InstanceType"]
        assert machine["IamInstanceProfile"]["Arn"].endswith(":instance-profile/sprd")
        assert machine.get("InstanceLifecycle") == ("spot" if name == "worker" else None)


def tags(machine: dict[str, Any]) -> dict[str, str]:
    """A machine's tags."""
    return {tag["Key"]: tag["Value"] for tag in machine["Tags"]}


def test_google_describes_the_request_for_machines() -> None:
    """Each key and value of `node_config` is one that Google's description of a machine has."""
    client = pytest.importorskip("googleapiclient", reason=INSTALL)
    folder = Path(client.__path__[0]) / "discovery_cache/documents"
    schemas = json.loads((folder / "compute.v1.json").read_text(encoding="utf-8"))["schemas"]
    cluster = yaml.safe_load((ROOT / "deploy/gcp.yaml").read_text(encoding="utf-8"))
    for name, kind in cluster["available_node_types"].items():
        assert list(unlike(kind["node_config"], schemas["Instance"], schemas, name)) == []
    wrong = {"scheduling": [{"preemptible": True}], "disks": [{"type": 3}], "machine": "x"}
    assert len(list(unlike(wrong, schemas["Instance"], schemas, "wrong"))) == 3


def test_kubernetes_describes_the_claim_and_the_pods() -> None:
    """Each key and value is one that its schema has; what KubeRay adds around them is not seen."""
    checker = pytest.importorskip("kubernetes_validate", reason=INSTALL.replace("cloud", "faults"))
    text = (ROOT / "deploy/kuberay.yaml").read_text(encoding="utf-8")
    claim, job = yaml.safe_load_all(text)
    cluster = job["spec"]["rayClusterSpec"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    pods = [{"apiVersion": "v1", "kind": "Pod", **group["template"]} for group in groups]
    for described in (claim, *pods):
        checker.validate(described, checker.latest_version(), strict=True)
    for pod in pods:
        claims = [one["persistentVolumeClaim"] for one in pod["spec"]["volumes"][:1]]
        assert claims == [{"claimName": claim["metadata"]["name"]}]
        pod["spec"]["containers"][0]["volumeMounts"][0]["path"] = "/runs"
        with pytest.raises(checker.ValidationError, match="'path' was unexpected"):
            checker.validate(pod, checker.latest_version(), strict=True)


def unlike(
    value: Any, schema: dict[str, Any], schemas: dict[str, Any], where: str
) -> Iterator[str]:
    """Tells what of a value is not as a schema of Google's discovery documents has it."""
    schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    types: dict[str, Any] = {
        "object": dict,
        "array": list,
        "string": (str, int),
        "boolean": bool,
        "integer": int,
    }
    if schema["type"] == "string" and schema.get("format") != "int64":
        types["string"] = str
    if not isinstance(value, types[schema["type"]]):
        yield f"{where}: must be of type {schema['type']}, got {value!r}"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{where}: must be one of {schema['enum']}, got {value!r}"
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from unlike(one, schema["items"], schemas, f"{where}[{number}]")
    elif isinstance(value, dict) and "properties" in schema:
        for key, one in value.items():
            if key in schema["properties"]:
                yield from unlike(one, schema["properties"][key], schemas, f"{where}.{key}")
            else:
                yield f"{where}.{key}: no such key"
