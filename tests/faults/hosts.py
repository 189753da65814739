"""Three hosts on one machine that Ray's launcher takes for machines of their own.

Each has a network, processes, a folder of Ray and a home of its own, and an ssh server; what they
share is the file system. They hang on a bridge in the network of a fourth, the desk, where
`ray up` is typed: nothing of this is in the network of the machine itself.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

CLUSTER_FILE = Path(__file__).parents[2] / "cluster.yaml"
DESK = "sprd-desk"
ADDRESSES = {f"sprd-{number}": f"10.77.0.1{number}" for number in (1, 2, 3)}
HEAD, *WORKERS = ADDRESSES
PACKAGES = "apt-get install openssh-server openssh-client iproute2 rsync"

SSHD_CONFIG = """\
ListenAddress {address}:22
HostKey {folder}/key
AuthorizedKeysFile {folder}/key.pub
PubkeyAuthentication yes
PermitRootLogin yes
StrictModes no
UsePAM no
UseDNS no
PidFile none
"""

START_HOST = """\
mkdir -p /run/sshd /tmp/ray
mount -t tmpfs -o size=4g tmpfs /tmp/ray
mount -t tmpfs -o size=1g tmpfs /dev/shm
mount --bind {home}/passwd /etc/passwd
mount --bind {home}/shadow /etc/shadow
{sshd} -D -e -f {home}/sshd_config
"""
"""The first process of a host. In its own user files root has another home and is not locked."""

WAIT_FOR_NODES = """\
import sys, time, ray
ray.init("auto", log_to_driver=False, logging_level="CRITICAL")
limit = time.monotonic() + float(sys.argv[1])
wanted = set(sys.argv[2:])
while time.monotonic() < limit:
    alive = {node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]}
    if alive == wanted:
        sys.exit()
    time.sleep(0.5)
sys.exit(f"wanted {sorted(wanted)}, alive are {sorted(alive)}")
"""


def missing() -> str | None:
    """Returns why there can be no hosts here, or None."""
    if os.geteuid() != 0:
        return "needs root: sudo make faults"
    programs = ("sshd", "ssh", "ssh-keygen", "ip", "rsync", "unshare", "nsenter")
    absent = [name for name in programs if _where(name) is None]
    return f"needs {', '.join(absent)}: {PACKAGES} util-linux" if absent else None


class Hosts:
    """The hosts, by name: `HEAD` and `WORKERS`."""

    def __init__(self, folder: Path) -> None:
        """Starts the hosts, without Ray.

        Args:
            folder: For keys, homes and logs.
        """
        self._folder, self._inits = folder, dict[str, int]()
        self._started: list[subprocess.Popen[str]] = []
        folder.mkdir()
        _clear()
        try:
            self._prepare()
            for name in ADDRESSES:
                self.start(name)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Ends all that runs there and takes the networks away."""
        for name in list(self._inits):
            self.kill(name)
        _clear()
        for process in self._started:
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)

    def start(self, name: str) -> None:
        """Switches a host on, with the address that it had."""
        address, home = ADDRESSES[name], self._home(name)
        home.mkdir(exist_ok=True)
        config = SSHD_CONFIG.format(address=address, folder=self._folder)
        (home / "sshd_config").write_text(config)
        users = Path("/etc/passwd").read_text().splitlines()
        others = [line for line in users if not line.startswith("root:")]
        (home / "passwd").write_text("\n".join([f"root:x:0:0::{home}:/bin/bash", *others, ""]))
        (home / "shadow").write_text("root:*:20000:0:99999:7:::\n")
        _ip("netns add", name)
        _ip(f"-n {DESK} link add {name} type veth peer name eth0 netns {name}")
        _ip(f"-n {DESK} link set {name} master bridge up")
        _ip(f"-n {name} link set lo up")
        _ip(f"-n {name} address add {address}/24 dev eth0")
        _ip(f"-n {name} link set eth0 up")
        _ip(f"-n {name} route add default via 10.77.0.1")  # Ray asks which way it would go out
        script = START_HOST.format(home=home, sshd=_where("sshd"))
        words = f"ip netns exec {name} unshare --pid --mount --fork --kill-child --mount-proc"
        with (self._folder / f"{name}.txt").open("a") as log:
            process = subprocess.Popen(
                [*words.split(), "sh", "-euc", script], stdout=log, stderr=log, text=True
            )
        self._started.append(process)
        limit = time.monotonic() + 30
        while not (found := _children(process.pid)) or not _listens(name):
            if process.poll() is not None or time.monotonic() > limit:
                log_text = (self._folder / f"{name}.txt").read_text()
                raise RuntimeError(f"{name} did not start: {log_text}")
            time.sleep(0.05)
        self._inits[name] = found[0]

    def kill(self, name: str) -> None:
        """Pulls the plug: `kill -9` of the first process takes all the others along."""
        with suppress(ProcessLookupError):
            os.kill(self._inits.pop(name), signal.SIGKILL)
        _remove(name)

    def cut(self, name: str) -> None:
        """Takes the network of a host away."""
        _ip(f"-n {DESK} link set {name} down")

    def heal(self, name: str) -> None:
        """Gives it back."""
        _ip(f"-n {DESK} link set {name} up")

    def up(self, cache: Path) -> None:
        """Runs `ray up` with the project's cluster file and waits until all nodes are there.

        Args:
            cache: What trials share.
        """
        path = self._folder / "cluster.yaml"
        path.write_text(yaml.safe_dump(self._cluster(cache)))
        with (self._folder / "up.txt").open("a") as log:
            typed = self.type_at_desk(
                "up", "-y", "CLUSTER", stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        assert typed.wait() == 0, (self._folder / "up.txt").read_text()
        self.wait_for(self._inits)

    def wait_for(self, names: Iterable[str], seconds: float = 120.0) -> None:
        """Waits until exactly these hosts are nodes of the cluster."""
        wanted = [ADDRESSES[name] for name in names]
        process = self.popen(
            [sys.executable, "-c", WAIT_FOR_NODES, seconds, *wanted], stderr=subprocess.PIPE
        )
        error = process.communicate()[1]
        assert process.returncode == 0, f"{error}\n{self.log(HEAD, 'monitor.out')[-3000:]}"

    def popen(
        self,
        words: Sequence[object],
        name: str = HEAD,
        environment: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> "subprocess.Popen[str]":
        """Starts a command on a host that runs."""
        return subprocess.Popen(
            ["nsenter", "--target", str(self._inits[name]), "--mount", "--net", "--pid"]
            + [str(word) for word in words],
            env=self._environment(name) | dict(environment or {}),
            cwd=self._home(name),
            text=True,
            **settings,
        )

    def type_at_desk(self, *words: object, **settings: Any) -> "subprocess.Popen[str]":
        """Starts a command of Ray where `ray up` was typed; CLUSTER stands for the cluster file."""
        cluster = str(self._folder / "cluster.yaml")
        typed = [cluster if word == "CLUSTER" else str(word) for word in words]
        return subprocess.Popen(
            ["ip", "netns", "exec", DESK, _ray(), *typed],
            env=self._environment(DESK),
            cwd=self._home(DESK),
            text=True,
            **settings,
        )

    def log(self, name: str, file: str) -> str:
        """Returns what is in one of Ray's logs of a host."""
        latest = os.readlink(self.files(name) / "session_latest")
        path = self.files(name) / Path(latest).name / "logs" / file
        return path.read_text() if path.exists() else f"no {file}"

    def files(self, name: str) -> Path:
        """Returns where the host's own folder of Ray is, as seen from here."""
        return Path(f"/proc/{self._inits[name]}/root/tmp/ray")

    def trials(self, name: str) -> set[int]:
        """Returns the trials that a host began, told by the folders that Tune made on it."""
        found = self.files(name).glob("session_*/artifacts/*/*/working_dirs/trial-*")
        return {int(path.name.removeprefix("trial-")) for path in found}

    def _prepare(self) -> None:
        """Makes the desk and the keys."""
        _ip("netns add", DESK)
        _ip(f"-n {DESK} link set lo up")
        _ip(f"-n {DESK} link add bridge type bridge")
        _ip(f"-n {DESK} address add 10.77.0.1/24 dev bridge")
        _ip(f"-n {DESK} link set bridge up")
        keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self._folder / "key")]
        subprocess.run(keygen, check=True)
        self._home(DESK).mkdir()
        token = [_ray(), "get-auth-token", "--generate"]
        subprocess.run(token, env=self._environment(DESK), check=True, capture_output=True)

    def _cluster(self, cache: Path) -> dict[str, Any]:
        """Returns the project's file, edited as its marks say; without `docker`."""
        cluster: dict[str, Any] = yaml.safe_load(CLUSTER_FILE.read_text(encoding="utf-8"))
        del cluster["docker"]
        cluster["provider"]["head_ip"] = ADDRESSES[HEAD]
        cluster["provider"]["worker_ips"] = [ADDRESSES[name] for name in WORKERS]
        cluster["auth"] = {"ssh_user": "root", "ssh_private_key": str(self._folder / "key")}
        variables = {"SPRD_CACHE": str(cache), "RAY_USAGE_STATS_ENABLED": "0"}
        settings = " ".join(f"{key}={shlex.quote(value)}" for key, value in variables.items())
        prefix = f"export PATH={shlex.quote(_bin())}:$PATH {settings}; "
        for key in ("head_start_ray_commands", "worker_start_ray_commands"):
            cluster[key] = [
                prefix + command + _amounts(command) for command in map(str.strip, cluster[key])
            ]
        return cluster

    def _home(self, name: str) -> Path:
        return self._folder / name

    def _environment(self, name: str) -> dict[str, str]:
        """Returns what a shell on a host has."""
        environment = {
            "HOME": str(self._home(name)),
            "PATH": f"{_bin()}:{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            "RAY_AUTH_MODE": "token",
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        return environment | ({"RAY_TMPDIR": str(self._home(name))} if name == DESK else {})


def kill_inside(process: "subprocess.Popen[str]") -> None:
    """`kill -9` of a command that `Hosts.popen` started: the process is its `nsenter`."""
    for child in _children(process.pid):
        os.kill(child, signal.SIGKILL)
    process.wait()


def _amounts(command: str) -> str:
    """Returns what to add to `ray start`: one trial a node."""
    return " --num-cpus=1 --object-store-memory=200000000" if " ray start " in command else ""


def _bin() -> str:
    return str(Path(sys.prefix) / "bin")


def _ray() -> str:
    return str(Path(sys.prefix) / "bin" / "ray")


def _where(program: str) -> str | None:
    """Returns the path of a program; those of root may not be in PATH."""
    return shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


def _ip(words: str, *more: str) -> None:
    """Runs `ip`."""
    done = subprocess.run(["ip", *words.split(), *more], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"ip {words}: {done.stderr.strip()}")


def _children(process: int) -> list[int]:
    """Returns the processes that one started."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text()
        return [int(word) for word in children.split()]
    except OSError:
        return []


def _listens(name: str) -> bool:
    """Tells whether the host's ssh server answers."""
    words = f"ip netns exec {name} ssh-keyscan -t ed25519 -T 2 {ADDRESSES[name]}"
    return bool(subprocess.run(words.split(), capture_output=True).stdout)


def _remove(name: str) -> None:
    """Ends what runs in a network and takes it away, if it is there."""
    found = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True)
    for process in found.stdout.split():
        with suppress(ProcessLookupError):
            os.kill(int(process), signal.SIGKILL)
    subprocess.run(["ip", "-n", DESK, "link", "delete", name], capture_output=True)
    subprocess.run(["ip", "netns", "delete", name], capture_output=True)


def _clear() -> None:
    """Takes away what is left of hosts: of these, or of a run that was killed."""
    for name in (*ADDRESSES, DESK):
        _remove(name)
