"""Laws of Ctrl-C: status 130 where work with an end of its own was cut short, 0 where stopping is the normal end."""

import dataclasses
import gc
import json
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mujoco  # noqa: F401 - a Ctrl-C while one of these is imported is another case
import onnx  # noqa: F401
import pytest
import torch  # noqa: F401
from typer.testing import CliRunner

import sim2real
from sim2real.cli import app
from sim2real.ctrl_c import ctrl_c_is_heard
from sim2real.runtime.commands import run as run_command

LOCKSTEP = ("run", "pendulum_swingup", "--robot", "pendulum", "--lockstep", "--plant", "inertia")
SMALL = ("environments=8", "algorithm.rollout_steps=8", "evaluation_episodes=2", "idle_share_max=null", "threads=1")

LONG = {
    "train": ("train", "pendulum_ppo", *(part for text in SMALL for part in ("--set", text))),
    "eval": ("eval", "pendulum_swingup", "--episodes", "20000"),
    "run": (*LOCKSTEP, "--duration", "36000"),
    "hil": ("hil", "pendulum_swingup", "--repeat", "100", "--plant", "inertia"),
    "bench sim": ("bench", "sim", "pendulum_swingup", "--environments", "8", "--seconds", "60", "--threads", "1"),
    "bench lockstep": ("bench", "lockstep", "pendulum_swingup", "--robot", "pendulum", "--seconds", "3600"),
    "bench gap": ("bench", "gap", "--robot", "pendulum", "--seconds", "600"),
    "bench tick": ("bench", "tick", "pendulum_swingup", "--ticks", "100000"),
}


@contextmanager
def interrupted_after(cpu_s: float) -> Iterator[None]:
    """Press Ctrl-C after so much processor time of this process: the same moment however busy the machine is."""
    before = signal.signal(signal.SIGVTALRM, lambda number, frame: signal.raise_signal(signal.SIGINT))
    signal.setitimer(signal.ITIMER_VIRTUAL, cpu_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        signal.signal(signal.SIGVTALRM, before)
        with warnings.catch_warnings():
            # `subprocess.run` waits a quarter of a second at most for what Ctrl-C ended: no fault of the next test.
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


@pytest.mark.slow
@pytest.mark.parametrize("name", LONG)
def test_work_that_is_cut_short_has_status_130(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with ctrl_c_is_heard(), interrupted_after(0.3):
        result = CliRunner().invoke(app, [*LONG[name], "--json"])
    assert result.exit_code == 130, (result.output, result.exception)
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("duration", "stopped_by", "status"),
    [("5", "SIGINT", 130), ("5", "duration", 0), (None, "SIGINT", 0), ("5", "operator", 0), (None, "SIGTERM", 0)],
)
def test_ctrl_c_is_the_normal_end_of_a_run_without_a_duration(
    duration: str | None, stopped_by: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = sim2real.run("pendulum_swingup", "pendulum", lockstep=True, plant="inertia", duration=0.1)
    ended = dataclasses.replace(report, stopped_by=stopped_by, ok=True, reasons=())
    monkeypatch.setattr(run_command, "run_policy", lambda *_, **__: ended)
    arguments = [
        "run",
        "pendulum_swingup",
        "--robot",
        "pendulum",
        *(() if duration is None else ("--duration", duration)),
    ]
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == status
    assert json.loads(result.stdout)["stopped_by"] == stopped_by  # the part that was done is reported
