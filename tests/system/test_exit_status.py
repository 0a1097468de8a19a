"""Laws of Ctrl-C: status 130 where work with an end of its own was cut short, 0 where stopping is the normal end."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

import sim2real
from sim2real.commands.root import app
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


_TICKS_S = os.sysconf("SC_CLK_TCK")


def interrupted_after(cpu_s: float, *arguments: str) -> tuple[int, str, str]:
    """Run the program and press Ctrl-C after so much of its processor time: the same moment on a busy machine.

    Returns:
        Exit status, standard output and standard error.
    """
    command = [sys.executable, "-m", "sim2real.cli", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        stat = Path(f"/proc/{process.pid}/stat")
        while process.poll() is None and sum(map(int, stat.read_text().rsplit(")", 1)[1].split()[11:13])) < (
            cpu_s * _TICKS_S
        ):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        try:
            output, errors = process.communicate(timeout=60)
        finally:
            process.kill()
        return process.returncode, output, errors


@pytest.mark.slow
@pytest.mark.parametrize("name", LONG)
def test_work_that_is_cut_short_has_status_130(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    status, output, errors = interrupted_after(3.0, *LONG[name], "--json")
    assert status == 130, (output, errors)
    assert "Traceback" not in errors


@pytest.mark.slow
@pytest.mark.parametrize("cpu_s", [0.2, 0.4, 0.6, 0.8, 1.2])
def test_so_has_what_has_not_begun_yet(cpu_s: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While modules are imported: what they make of it is no traceback, and no death by a signal."""
    monkeypatch.chdir(tmp_path)
    status, output, errors = interrupted_after(cpu_s, *LONG["train"], "--json")
    assert status == 130, (output, errors)
    assert errors.endswith("interrupted\n")
    assert "Traceback" not in errors


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
