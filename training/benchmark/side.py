"""One side of a comparison: a module that is run in a process of its own, and prints what it measured."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sim2real.configs.errors import UserError

_MARK: Final = "measured: "
_TIME_LIMIT_S: Final = 3600.0
_PACKAGE: Final = "sim2real.training.benchmark"


@dataclass(frozen=True)
class Side:
    """What is run."""

    name: str
    module: str
    """Module of this package."""
    function: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    threads: int = 1
    """Threads of torch."""
    peer: str | None = None
    """Package of the peer, of `peers.PACKAGES`; None: ours."""
    busy: bool = False
    """Another process takes a core meanwhile."""

    def run(self, python: Path) -> dict[str, float]:
        """Run it once; return what it measured.

        Raises:
            UserError: It failed.
        """
        command = [str(python), "-m", f"{_PACKAGE}.{self.module}", self.function, json.dumps(dict(self.settings))]
        environment = os.environ | {"OMP_NUM_THREADS": str(self.threads), "MKL_NUM_THREADS": str(self.threads)}
        other = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if self.busy else None
        try:
            done = subprocess.run(  # noqa: S603 - our own module
                command, env=environment, capture_output=True, text=True, timeout=_TIME_LIMIT_S, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise UserError(f"{self.name}: not done after {_TIME_LIMIT_S:g} s") from error
        finally:
            if other is not None:
                other.kill()
                other.wait()
        lines = [line for line in done.stdout.splitlines() if line.startswith(_MARK)]
        if done.returncode or not lines:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise UserError(f"{self.name} failed: {last}")
        measured: dict[str, float] = json.loads(lines[-1].removeprefix(_MARK))
        return measured


def serve(functions: Mapping[str, Callable[..., dict[str, float]]]) -> None:
    """Run the function and the settings of the command line; print what it returns."""
    function, settings = functions[sys.argv[1]], json.loads(sys.argv[2])
    sys.stdout.write(f"{_MARK}{json.dumps(function(**settings))}\n")


class Stopwatch:
    """Time and CPU time of this process and its children, which can be paused."""

    def __init__(self) -> None:
        self._wall, self._cpu = 0.0, 0.0
        self._since: tuple[float, float] | None = (time.perf_counter(), _cpu_time())

    @property
    def seconds(self) -> float:
        """Time that ran, s."""
        return self._wall + (0.0 if self._since is None else time.perf_counter() - self._since[0])

    @property
    def cpu_seconds(self) -> float:
        """CPU time meanwhile, s."""
        return self._cpu + (0.0 if self._since is None else _cpu_time() - self._since[1])

    def pause(self) -> None:
        """Stop until `go_on`."""
        self._wall, self._cpu, self._since = self.seconds, self.cpu_seconds, None

    def go_on(self) -> None:
        """Run on."""
        self._since = (time.perf_counter(), _cpu_time())


def _cpu_time() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
