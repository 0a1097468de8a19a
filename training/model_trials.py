"""Other people's models, tried as a user would: `new robot`, `new task`, `check`, and some seconds of `train`."""

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.hardware.child_process import PYTHON
from sim2real.new_robot.task_text import fitting_kind

RESIDUAL_MAX: Final = 1e-3
"""Required upper bound of what is left of a model's equalities at the start, m or rad."""

LINEAR_MAX: Final = 0.5
"""Required upper bound of the fastest slide or base in the first 50 ms with idle actions, m/s."""

ANGULAR_MAX: Final = 5.0
"""The same for hinges, rad/s."""

_COMMAND = (*PYTHON, "-m", "sim2real.cli")
_SUFFIXES = (".xml", ".urdf")
_LIMIT_S = 300.0  # of one command, and of what comes before training
_POLL_S = 0.05


@dataclass(frozen=True)
class ModelTrial:
    """What became of one model."""

    model: str
    """Path below the folder."""
    outcome: str
    """`trained`, or `refused` with its command."""
    said: str = ""
    """The one line of a refusal."""
    kind: str = ""
    """Of the task that was made."""
    motors: int = 0
    look_at: int = 0
    """Check lines."""
    residual: float | None = None
    """Of the equalities at the start, m or rad."""
    linear: float | None = None
    """Fastest slide or base in the first 50 ms, m/s."""
    angular: float | None = None
    """Fastest hinge, rad/s."""
    problems: tuple[str, ...] = ()
    """What no model may cause: a traceback, a crash, a start beyond the bounds."""


class _RefusedError(Exception):
    """A command refused in one line."""

    def __init__(self, command: str, said: str) -> None:
        super().__init__(said)
        self.command = command


class _BrokenError(Exception):
    """A command ended in a way that is a mistake of ours."""


def models_below(folder: Path) -> list[Path]:
    """Return the models below a folder: MJCF and URDF files with a body of their own, not parts of others.

    Raises:
        UserError: There is none.
    """
    found = [path for path in sorted(folder.rglob("*")) if path.suffix in _SUFFIXES and _is_model(path)]
    if not found:
        raise UserError(f"bench models: no model below {folder}; valid: files that end in {' or '.join(_SUFFIXES)}")
    return found


def _is_model(path: Path) -> bool:
    text = path.read_text(encoding="utf-8", errors="replace")
    return "<robot" in text or ("<mujoco" in text and "<worldbody" in text and "<mujocoinclude" not in text)


def try_models(folder: Path, train_s: float, motor: str | None, show: Callable[[ModelTrial], None]) -> list[ModelTrial]:
    """Try every model below a folder.

    Args:
        folder: The folder.
        train_s: Seconds of training; 0 to train nothing.
        motor: A shipped motor for all of them; `new robot`'s own when None.
        show: Called with each result.

    Raises:
        UserError: There is no model.
    """
    trials = []
    for path in models_below(folder):
        trial = replace(try_model(path, train_s, motor), model=str(path.relative_to(folder)))
        trials.append(trial)
        show(trial)
    return trials


def try_model(path: Path, train_s: float, motor: str | None) -> ModelTrial:
    """Try one model, in a temporary folder."""
    trial = ModelTrial(path.name, "")
    with tempfile.TemporaryDirectory(prefix="sim2real-model-") as work:
        try:
            arguments = [] if motor is None else ["--motor", motor]
            _run(work, "new robot", str(path.resolve()), "-o", "robot.yaml", *arguments)
            robot = load_robot(str(Path(work) / "robot.yaml"))
            trial = replace(trial, motors=len(robot.joints), kind=fitting_kind(robot))
            made = _run(work, "new task", "robot.yaml", "--kind", trial.kind)
            experiment = next(each for each in made["paths"] if each.endswith("_ppo.yaml"))
            found = _run(work, "check", experiment, "--no-picture")
            trial = _checked(trial, found)
            if train_s > 0.0:
                _train(work, experiment, train_s)
            return replace(trial, outcome="trained" if train_s > 0.0 else "checked")
        except _RefusedError as refusal:
            return replace(trial, outcome=f"refused by {refusal.command}", said=str(refusal))
        except _BrokenError as broken:
            return replace(trial, outcome="broken", problems=(*trial.problems, str(broken)))


def _checked(trial: ModelTrial, found: dict[str, Any]) -> ModelTrial:
    start = found["start"]
    limits = (("residual", RESIDUAL_MAX), ("linear", LINEAR_MAX), ("angular", ANGULAR_MAX))
    beyond = tuple(
        f"start: {name} {start[name]:.3g}, limit {limit:g}" for name, limit in limits if not start[name] <= limit
    )
    return replace(trial, look_at=len(found["checks"]), problems=beyond, **{name: start[name] for name, _ in limits})


def _run(work: str, command: str, *arguments: str) -> dict[str, Any]:
    """Run a command; return its document."""
    try:
        ended = subprocess.run(  # noqa: S603 - our own interpreter and module
            [*_COMMAND, *command.split(), *arguments, "--json"],
            cwd=work,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _BrokenError(f"{command}: no end after {_LIMIT_S:g} s") from None
    return _document(command, ended.returncode, ended.stdout, ended.stderr)


def _document(command: str, status: int, out: str, err: str) -> dict[str, Any]:
    if "Traceback" in err or status < 0:
        raise _BrokenError(f"{command}: {(err.strip().splitlines() or [f'signal {-status}'])[-1]}")
    try:
        document: dict[str, Any] = json.loads(out)
    except ValueError:
        raise _BrokenError(f"{command}: status {status} without a document") from None
    if not document["ok"]:
        raise _RefusedError(command, "; ".join(document["reasons"]))
    return document


def _train(work: str, experiment: str, train_s: float) -> None:
    """Train until Ctrl-C after so many seconds of figures."""
    arguments = ["train", experiment, "--name", "trial", "--json"]
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [*_COMMAND, *arguments], cwd=work, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    metrics, begun = Path(work) / "runs" / "trial" / "metrics.jsonl", time.monotonic()
    until = begun + _LIMIT_S
    counting = interrupted = False
    try:
        while process.poll() is None and time.monotonic() < until:
            if not counting and metrics.is_file() and metrics.stat().st_size:
                counting, until = True, time.monotonic() + train_s
            time.sleep(_POLL_S)
        if process.poll() is None:
            interrupted = True
            os.kill(process.pid, signal.SIGINT)
        try:
            out, err = process.communicate(timeout=_LIMIT_S)
        except subprocess.TimeoutExpired:
            raise _BrokenError(f"train: no end {_LIMIT_S:g} s after Ctrl-C") from None
    finally:
        process.kill()
        process.wait()
    if interrupted and not counting:
        raise _BrokenError(f"train: no figures after {_LIMIT_S:g} s")
    if not interrupted or "Traceback" in err or process.returncode != 128 + signal.SIGINT:
        _document("train", process.returncode, out, err)


def measured(trials: Sequence[ModelTrial]) -> dict[str, Any]:
    """Return ratios and figures."""
    clean = sum(not trial.problems for trial in trials)
    through = sum(trial.outcome in ("trained", "checked") for trial in trials)
    return {
        "ratios": {"without_problem": clean / len(trials), "not_refused": through / len(trials)},
        "figures": {
            "models": len(trials),
            "not_refused": through,
            "refused": sum(trial.outcome.startswith("refused") for trial in trials),
            "problems": len(trials) - clean,
            "trials": [asdict(trial) for trial in trials],
        },
    }


def text_of(trials: Sequence[ModelTrial]) -> str:
    """Return a table for people: one line a model, what was wrong below it."""
    lines = []
    for trial in trials:
        start = (
            ""
            if trial.residual is None
            else f", start {trial.residual * 1e3:.2g} mm {trial.linear:.2g} m/s {trial.angular:.2g} rad/s"
        )
        what = f"{trial.motors} motors, {trial.kind}{start}" if trial.motors else ""
        lines.append(": ".join(part for part in (trial.model, trial.outcome, trial.said, what) if part))
        lines += [f"  {problem}" for problem in trial.problems]
    return "\n".join(lines)
