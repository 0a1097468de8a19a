"""What a failed scenario leaves behind: the log, a picture, and the last seconds as a table."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.configs.schema.run_signal import STATES, signals_of
from sim2real.configs.schema.scenario import ScenarioConfig
from sim2real.runtime.hil.picture import draw
from sim2real.runtime.hil.recording import Recording
from sim2real.runtime.hil.scenario_run import ScenarioResult, run_scenario
from sim2real.runtime.policy import OnnxPolicy, Policy

LOG, PICTURE, TABLE, REASONS = "run.mcap", "picture.png", "last_seconds.txt", "reasons.txt"
"""The files."""

_TABLE_S = 2.0
_COLUMNS_MAX = 8


def keep_evidence(
    folder: Path, scenario: ScenarioConfig, policy: Path | Policy, result: ScenarioResult, *, seed: int | None = None
) -> Path:
    """Write what helps to understand a failure; files from before are replaced.

    A run in lockstep is the same each time: the log is that of a second one.

    Args:
        folder: Made if it does not exist.
        scenario: The scenario.
        policy: What it was run with.
        result: Its result, with the recording.
        seed: The seed it was run with, if not the scenario's.

    Returns:
        The folder.

    Raises:
        UserError: A file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / REASONS).write_text("\n".join(result.failures) + "\n", encoding="utf-8")
        recording = result.recording
        if recording is None:
            return folder
        loaded = OnnxPolicy(policy) if isinstance(policy, Path) else policy
        run_scenario(scenario, loaded, plant=result.plant, log=folder / LOG, seed=seed)
        (folder / TABLE).write_text(last_seconds(recording, shown_signals(scenario, result)), encoding="utf-8")
        draw(folder / PICTURE, scenario, result, recording, shown_signals(scenario, result))
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be written: {error.strerror}") from error
    return folder


def shown_signals(scenario: ScenarioConfig, result: ScenarioResult) -> tuple[str, ...]:
    """Return the signals that tell about a failure: those of failed checks, of the others, and what shows any run."""
    checks = sorted(result.checks, key=lambda each: each.ok)
    always = ("interventions", "position", "torque", "tilt", "goal_distance")
    known = signals_of(scenario.task)
    names = [each.condition.signal for each in checks]
    single = {name.rpartition(".")[2] for name in names if "." in name and len(scenario.task.robot.joints) == 1}
    names += [name for name in always if name in known and name not in single]
    return tuple(dict.fromkeys(name for name in names if name != "state"))[:_COLUMNS_MAX]


def last_seconds(recording: Recording, names: Sequence[str]) -> str:
    """Return the last seconds of a run as a table: a line a tick, a column a signal, times since the policy began."""
    state = recording.steps("state")
    words = {"torque": ("on", "off")}
    zero = recording.policy_at or 0.0
    rows = [["time s", "state", *(column for name in names for column in _heads(recording, name))]]
    for index in np.flatnonzero(state.time >= recording.end - _TABLE_S):
        at = float(state.time[index])
        row = [f"{at - zero:.3f}", STATES[int(state.values[index, 0])]]
        for name in names:
            steps = recording.steps(name)
            values = steps.values[max(0, int(np.searchsorted(steps.time, at, "right")) - 1)]
            row += [words[name][int(v)] if name in words else f"{v:.5g}" for v in values]
        rows.append(row)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return (
        "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows) + "\n"
    )


def _heads(recording: Recording, name: str) -> list[str]:
    return [f"{part}.{name.rpartition('.')[2]}" if part else name for part in recording.steps(name).parts]
