"""A real `sshd` on loopback, on a free port and with keys of its own, for the tests of targets behind ssh."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/sbin:/usr/local/sbin")
MISSING = (
    "there is no sshd"
    if SSHD is None
    else "there is no ssh client"
    if shutil.which("ssh") is None
    else "there is no ssh-keygen"
    if shutil.which("ssh-keygen") is None
    else ""
)
"""Why there can be none here; empty if there can."""


@dataclass(frozen=True)
class Sshd:
    """A running server, and what a client needs."""

    port: int
    folder: Path

    def settings(self, **more: Any) -> dict[str, Any]:
        """The block `ssh` of a target."""
        known = {"host": f"{getpass.getuser()}@127.0.0.1", "port": self.port, "identity": str(self.folder / "client")}
        return known | {"known_hosts": str(self.folder / "known_hosts")} | more


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_key(path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)


@contextmanager
def serving_ssh(folder: Path, **environment: str) -> Iterator[Sshd]:
    """Serve until the end of the block; what is logged in has these variables, such as another HOME."""
    assert SSHD is not None
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where root's sshd confines itself
    for name in ("host", "client"):
        make_key(folder / name)
    port = free_port()
    host_key = (folder / "host.pub").read_text().split()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key[0]} {host_key[1]}\n")
    shutil.copy(folder / "client.pub", folder / "authorized_keys")
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized_keys\n"
        f"PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        "PermitRootLogin prohibit-password\n"
        + "".join(f"SetEnv {name}={value}\n" for name, value in environment.items())
    )
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [SSHD, "-D", "-e", "-f", str(folder / "config")], stdin=subprocess.DEVNULL, stderr=log
        )
    try:
        _wait(port, server, folder)
        yield Sshd(port, folder)
    finally:
        server.terminate()
        server.wait()


def _wait(port: int, server: "subprocess.Popen[bytes]", folder: Path) -> None:
    for _ in range(600):  # bounded: half a minute
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
            return
        if server.poll() is not None:
            break
        time.sleep(0.05)
    raise AssertionError(f"sshd does not serve: {(folder / 'log').read_text()}")
