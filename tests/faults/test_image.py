"""The image of the Dockerfile, built without a Docker engine, and what is run in it."""

import json
import os
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.faults

ROOT = Path(__file__).parents[2]
FOLDER_VARIABLE = "SPRD_IMAGE_FOLDER"
"""Names a folder that keeps base and layers, so that the next run builds what changed."""


TENSORBOARD = """
tensorboard --logdir /runs --bind_all &
for _ in $(seq 60); do
  sleep 1
  python -c "from urllib.request import urlopen as get
print(get('http://127.0.0.1:6006/data/runs').read().decode())" 2>/dev/null && break
done
kill %1
"""
"""The documented command, on the port that the image exposes; asks which runs it shows."""


class Image:
    """The built image."""

    def __init__(self, folder: Path) -> None:
        self._buildah = ["buildah", "--root", str(folder / "storage"), "--runroot"]
        self._buildah += [str(folder / "run"), "--storage-driver", "vfs"]
        self._name = self.buildah("from", "--pull-never", "localhost/sprd").strip()
        # In a chroot the image's own volume would lie over the folder that is mounted there.
        self.buildah("config", "--volume", "/runs-", self._name)

    def buildah(self, *words: str) -> str:
        """Returns what a command of buildah prints."""
        done = subprocess.run([*self._buildah, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(
        self, *words: str, runs: Path | None = None, has_network: bool = False
    ) -> "subprocess.CompletedProcess[str]":
        """Runs a command in a container, as the image's user."""
        mounts = ["--volume", f"{runs}:/runs"] if runs else []
        command = [
            *self._buildah,
            "run",
            "--isolation",
            "chroot",
            *mounts,
            self._name,
            "--",
            *words,
        ]
        if not has_network:
            command = [
                "unshare",
                "--net",
                "sh",
                "-c",
                'ip link set lo up && exec "$@"',
                "-",
                *command,
            ]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def close(self) -> None:
        """Deletes the container."""
        self.buildah("rm", self._name)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """Builds the image."""
    missing = [name for name in ("buildah", "debootstrap", "ip") if shutil.which(name) is None]
    if missing or os.geteuid():
        pytest.skip("needs root and: apt-get install buildah debootstrap iproute2")
    folder = Path(os.environ.get(FOLDER_VARIABLE) or tmp_path_factory.mktemp("image"))
    script = ROOT / "tests/faults/image.sh"
    done = subprocess.run(["bash", script, folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    print([line for line in done.stdout.splitlines() if line.startswith("localhost/sprd ")])
    built = Image(folder)
    yield built
    built.close()


def test_image_shows_help_and_is_not_root(image: Image) -> None:
    """`docker run IMAGE`: its command; its user; the pinned versions in it."""
    config = json.loads(image.buildah("inspect", "--type", "image", "localhost/sprd"))
    settings = config["OCIv1"]["config"]
    assert settings["Cmd"] == ["sprd", "--help"] and "Entrypoint" not in settings
    assert "/runs" in settings["Volumes"] and "6006/tcp" in settings["ExposedPorts"]
    shown = image.run(*settings["Cmd"])
    assert shown.returncode == 0 and "sweep" in shown.stdout, shown.stderr
    assert image.run("id", "-u").stdout.strip() == "1000"
    frozen = image.run("/opt/sprd/bin/pip", "freeze").stdout
    pins = set((ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines())
    others = [line for line in frozen.splitlines() if line not in pins and "sprd" not in line]
    assert others == []


def test_image_can_be_the_head_of_a_cluster(image: Image) -> None:
    """What starts machines in the clouds; KubeRay's probe; a sweep file copied in as its user."""
    imports = "import boto3, ray.autoscaler._private.gcp.config as google"
    clients = "google.construct_clients_from_provider_config({'project_id': 'p', 'region': 'r'})"
    words = ["env", "GOOGLE_APPLICATION_CREDENTIALS=/tmp/key.json", "python", "-c"]
    key = json.dumps({"type": "authorized_user", "client_id": "c", "client_secret": "s"})
    key = key.replace("}", ', "refresh_token": "t"}')
    code = f"open('/tmp/key.json', 'w').write({key!r}); {imports}; print({clients}[2].instances)"
    done = image.run(*words, code)
    assert done.returncode == 0 and "method" in done.stdout, done.stderr
    done = image.run("bash", "-lc", "touch sweeps/mine.toml && command -v wget rsync ssh ray")
    assert done.returncode == 0 and len(done.stdout.split()) == 4, done.stderr


def test_sweep_in_the_image_leaves_the_bundle_on_the_host(image: Image, tmp_path: Path) -> None:
    """The network off, a mounted folder: the bundle belongs to the image's user."""
    runs = tmp_path / "runs"
    runs.mkdir()
    os.chown(runs, 1000, 1000)
    done = image.run("sprd", "sweep", "sweeps/smoke.toml", runs=runs)
    assert done.returncode == 0, done.stderr[-3000:]
    bundle = runs / "smoke" / "bundle"
    assert (bundle / "model.tflite").stat().st_uid == 1000
    assert tomllib.loads((bundle / "sweep.toml").read_text())["sweep"]["name"] == "smoke"
    checked = image.run("sprd", "verify", "/runs/smoke/bundle", runs=runs)
    assert checked.returncode == 0, checked.stderr
    shown = image.run("bash", "-c", TENSORBOARD, runs=runs)
    assert "smoke/tensorboard/" in shown.stdout, shown.stderr[-3000:]


def test_emulation_runs_in_the_image(image: Image, tmp_path: Path) -> None:
    """The Arm compiler with what Cortex-M4 needs, and QEMU."""
    runs = tmp_path / "runs"
    runs.mkdir()
    os.chown(runs, 1000, 1000)
    words = "sprd sweep sweeps/smoke.toml --trials 1 && sprd emulate runs/smoke/bundle/model.tflite"
    words += " --board arduino_nano_33_ble --json"
    done = image.run("bash", "-c", words, runs=runs)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout[done.stdout.index("{\n") :])["outputs_equal"] is True
