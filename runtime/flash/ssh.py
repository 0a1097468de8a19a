"""A target behind ssh: `sim2real` on the robot does the work, so that every check runs where the policy will."""

import contextlib
import json
import shlex
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from pydantic import ValidationError

from sim2real.configs.regular_file import POLICY_BYTES_MAX, read_regular
from sim2real.configs.schema.target import SshConfig, TargetConfig
from sim2real.runtime.flash.install import read_policy
from sim2real.runtime.flash.manifest import FlashError
from sim2real.runtime.flash.message import LINE_BYTES_MAX, RESULTS, Action, Answer, Request
from sim2real.runtime.flash.patience import Patience
from sim2real.runtime.flash.receive import offer_of
from sim2real.runtime.flash.record import Record
from sim2real.runtime.flash.results import Installed, Status
from sim2real.runtime.flash.terms import Terms
from sim2real.runtime.signature.detached import signature_beside

RUNTIME: Final = ".local/share/sim2real/runtime"
"""From the home folder there: a link to the environment that `--install-runtime` made last."""

_OPTIONS: Final = (
    *("-T", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=10"),
    *("-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3"),
)
"""No terminal, no questions, no unknown hosts; a connection that is silent for a quarter of a minute is over."""
_BLOCK_BYTES: Final = 65_536
_SSH_FAILED, _NOT_FOUND = 255, 127
_INSTALL_S: Final = 900.0
_GREETING_LINES_MAX: Final = 1000


@dataclass(frozen=True)
class SshPlace:
    """A folder on a robot that is reached with the system's ssh."""

    config: TargetConfig
    ssh: SshConfig
    patience_s: float = 180.0
    """Longest time without an answer, or without a block of an upload taken, s: a policy is tried there, on a slow
    processor."""

    @property
    def place(self) -> str:
        """Return host and folder."""
        return f"{self.ssh.host}:{self.config.path}"

    @property
    def policy_path(self) -> str:
        """Return the path of the active policy, on the robot."""
        return f"{self.config.path}/current/policy.onnx"

    def flash(self, policy: Path) -> Installed:
        """Upload what is missing of a policy there, and install it. Raises UserError."""
        content, signature = read_policy(policy), signature_beside(policy)
        offer = offer_of(content, None if signature is None else signature.text())
        request = self._request("flash").model_copy(update={"offer": offer})
        result: Installed = self._ask(request, content)
        return result

    def rollback(self) -> Installed:
        """Switch to the other slot. Raises FlashError."""
        result: Installed = self._ask(self._request("rollback"))
        return result

    def status(self) -> Status:
        """Read and verify what is there. Raises FlashError."""
        result: Status = self._ask(self._request("status"))
        return result

    def revoke(self, sha256: str, why: str) -> Installed:
        """Mark a policy as bad. Raises FlashError."""
        result: Installed = self._ask(self._request("revoke").model_copy(update={"sha256": sha256, "why": why}))
        return result

    def allow(self, sha256: str) -> None:
        """Undo that. Raises FlashError."""
        self._ask(self._request("allow").model_copy(update={"sha256": sha256}))

    def trust(self) -> Record:
        """Give the robot the trust of the target's file. Raises FlashError."""
        result: Record = self._ask(self._request("trust"))
        return result

    def install_runtime(self, wheel: Path) -> None:
        """Install `sim2real` there from a wheel, in an environment of its own; the one before stays until it works.

        Raises:
            FlashError: The wheel cannot be read or installed.
        """
        script = _INSTALL.format(runtime=RUNTIME, name=shlex.quote(wheel.name))
        try:
            content = read_regular(wheel, POLICY_BYTES_MAX)
        except OSError as error:
            raise FlashError(f"{wheel}: cannot be read: {error.strerror}") from error
        command = self._command(f"sh -c {shlex.quote(script)}")
        try:
            done = subprocess.run(command, input=content, capture_output=True, timeout=_INSTALL_S, check=False)  # noqa: S603 - ssh
        except subprocess.TimeoutExpired as error:
            raise FlashError(f"{self.ssh.host}: installing {wheel.name} took more than {_INSTALL_S:g} s") from error
        if done.returncode != 0:
            raise FlashError(f"{self.ssh.host}: {wheel.name} is not installed: {_last(done.stderr)}")

    def _request(self, action: Action) -> Request:
        robot = self.ssh.robot or self.config.robot.name
        return Request(action=action, path=self.config.path, robot=robot, terms=Terms.of(self.config))

    def _ask(self, request: Request, content: bytes = b"") -> Any:  # noqa: ANN401 - by action
        with tempfile.TemporaryFile() as said:
            command = self._command(f"{self._sim2real()} receive")
            with (
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said) as child,  # noqa: S603 - ssh
                Patience(self.patience_s, child.kill) as patience,
            ):
                try:
                    line = _exchanged(child.stdin, child.stdout, request, content, patience)
                    patience.begin()
                    with contextlib.suppress(BrokenPipeError):
                        child.stdin.close()  # type: ignore[union-attr] # a pipe
                    child.wait()  # one that has answered and does not end is ended
                except BaseException:
                    child.kill()
                    raise
            if patience.over and not line:
                raise FlashError(
                    f"{self.ssh.host}: no answer for {self.patience_s:g} s; whether anything changed there says "
                    "sim2real status"
                )
            said.seek(0)
            return self._result(request.action, line, child.returncode, said.read())

    def _result(self, action: Action, line: bytes, code: int, said: bytes) -> Any:  # noqa: ANN401 - by action
        try:
            answer = Answer.model_validate_json(line)
            if answer.error is None:
                return RESULTS[action].validate_json(json.dumps(answer.result))
        except ValidationError as error:
            if code == _NOT_FOUND:
                raise FlashError(
                    f"{self.ssh.host}: there is no sim2real; install it there with: "
                    "sim2real flash --install-runtime WHEEL, or give its path as ssh.command"
                ) from error
            reached = "cannot be reached" if code == _SSH_FAILED else "did not answer as this version of sim2real does"
            raise FlashError(f"{self.ssh.host}: {reached}: {_last(said)}") from error
        raise FlashError(f"{self.ssh.host}: {answer.error}")

    def _sim2real(self) -> str:
        """Return the shell's words for sim2real there; `~` is the home folder."""
        command = self.ssh.command
        if command is None:
            installed = f'"$HOME"/{RUNTIME}/bin/sim2real'
            return f'"$(if [ -x {installed} ]; then echo {installed}; else echo sim2real; fi)"'
        home, rest = ('"$HOME"/', command[2:]) if command.startswith("~/") else ("", command)
        return home + shlex.quote(rest)

    def _command(self, remote: str) -> list[str]:
        program = shutil.which("ssh")
        if program is None:
            raise FlashError("there is no ssh on this machine; install the OpenSSH client")
        ssh, options = self.ssh, list(_OPTIONS)
        if ssh.port is not None:
            options += ["-p", str(ssh.port)]
        if ssh.identity is not None:
            options += ["-o", "IdentitiesOnly=yes", "-i", str(Path(ssh.identity).expanduser())]
        if ssh.known_hosts is not None:
            options += ["-o", f"UserKnownHostsFile={Path(ssh.known_hosts).expanduser()}"]
        return [program, *options, "--", ssh.host, remote]


_INSTALL: Final = """set -e
umask 022
runtime="$HOME"/{runtime}
mkdir -p "$runtime".d
cd "$runtime".d
folder=$(mktemp -d XXXXXXXX)
trap 'rm -rf "$runtime.d/$folder"' EXIT
cat > "$folder"/{name}
python3 -m venv "$folder"/environment
"$folder"/environment/bin/python -m pip install --quiet --disable-pip-version-check "$folder"/{name}
"$folder"/environment/bin/sim2real --version
trap - EXIT
old=$(readlink "$runtime" || true)
ln -s "$runtime.d/$folder/environment" "$folder"/link
mv -T "$folder"/link "$runtime"
case "$old" in "$runtime.d"/*) rm -rf "${{old%/environment}}" ;; esac
"""
"""An environment beside the one in use; the link changes in one step, when sim2real in it has said its version."""


def _exchanged(
    source: IO[bytes] | None, sink: IO[bytes] | None, request: Request, content: bytes, patience: Patience
) -> bytes:
    """Send a request and what is missing of a policy; return the last line that was answered, b"" if there is none."""
    if source is None or sink is None:
        return b""
    try:
        source.write(request.model_dump_json().encode() + b"\n")
        source.flush()
        line = _answered(sink)
        if request.offer is None or (have := _have(line)) is None:
            return line
        for start in range(have, len(content), _BLOCK_BYTES):
            patience.begin()
            source.write(content[start : start + _BLOCK_BYTES])
        source.flush()
        patience.begin()
    except BrokenPipeError:
        pass  # the other side says why
    return _answered(sink)


def _answered(sink: IO[bytes]) -> bytes:
    """Return the next line that is an answer, b"" at the end: shells of robots greet whoever comes in."""
    for _ in range(_GREETING_LINES_MAX):
        line = sink.readline(LINE_BYTES_MAX)
        if not line or line.startswith(b"{"):
            return line
    return b""


def _have(line: bytes) -> int | None:
    try:
        return int(json.loads(line)["have"])
    except (ValueError, KeyError, TypeError):
        return None


def _last(said: bytes) -> str:
    """Return the last line of what was said, shortened."""
    lines = said.decode(errors="replace").strip().splitlines() or ["no reason given"]
    return "".join(c for c in lines[-1] if c.isprintable())[:300]
