"""A policy's C source compiled and run on this machine, side by side with onnxruntime and the contract's pipelines."""

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sim2real.configs.errors import UserError
from sim2real.hardware.types import Float64Array
from sim2real.runtime.contract.action import ActionPipeline
from sim2real.runtime.contract.observation import Float32Array, ObservationPipeline
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.policy import RecurrentPolicy
from sim2real.training.c_source.observation import signal_fields
from sim2real.training.c_source.source import CSource

FLAGS: Final = ("-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic")
_SECONDS_MAX: Final = 120.0
"""Longest time for the compiler, or for a trial: a bound, no claim."""

_MAIN: Final = """\
#include "policy.c"
#include <stdio.h>

/* From standard input: a count of observations, these; a count of ticks, where targets begin, and for every tick its
   signals, last action and last targets. To standard output: the action of the network for every observation; after a
   reset, the observation and the targets of every tick. */
static {p}_state state;

int main(void)
{{
    static float observation[{P}_OBSERVATIONS], action[{P}_ACTIONS];
    static {p}_signals signals;
    static {p}_targets targets;
    static double start[{P}_JOINTS];
    int32_t count;
    {p}_reset(&state, NULL);
    if (fread(&count, sizeof count, 1, stdin) != 1)
        return 1;
    for (; count > 0; count--) {{
        if (fread(observation, sizeof observation, 1, stdin) != 1)
            return 2;
        {p}_act(&state, observation, action);
        fwrite(action, sizeof action, 1, stdout);
    }}
    if (fread(&count, sizeof count, 1, stdin) != 1 || fread(start, sizeof start, 1, stdin) != 1)
        return 3;
    {p}_reset(&state, start);
    for (; count > 0; count--) {{
        if (fread(&signals, sizeof signals, 1, stdin) != 1
            || fread(state.last_action, sizeof state.last_action, 1, stdin) != 1
            || fread(state.target, sizeof state.target, 1, stdin) != 1)
            return 4;
        if (!{p}_step(&state, &signals, &targets))
            return 5;
        fwrite(state.observation, sizeof state.observation, 1, stdout);
        fwrite(&targets, sizeof targets, 1, stdout);
    }}
    return 0;
}}
"""


@dataclass(frozen=True)
class Trial:
    """Inputs of a trial and what Python makes of them."""

    observations: Float32Array
    """(n, O), one after the other, for the network."""
    actions: Float32Array
    """(n, A), of onnxruntime."""
    start: Float64Array
    """(J,), rad: where targets begin."""
    signals: list[Signals]
    """Of m ticks, for one robot."""
    last_actions: list[Float32Array]
    """(A,) before each of the m ticks. C is given Python's: no difference grows through the policy's own past."""
    last_targets: list[Float64Array]
    """(J,) before each of the m ticks."""
    observed: Float32Array
    """(m, O), of the contract's pipeline."""
    targets: Float64Array
    """(m, 2, J): positions and efforts of the contract's pipeline."""


@dataclass(frozen=True)
class Agreement:
    """Largest differences between C and Python, each as a share of the largest value of its kind."""

    action: float
    """Of the network."""
    observation: float
    target: float
    observations: int
    """Number that was compared."""

    @property
    def largest(self) -> float:
        """The largest of the three; NaN if any is."""
        return float(np.max([self.action, self.observation, self.target]))


def compiler() -> str | None:
    """Return the path of this machine's C compiler, or None."""
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


def prepare(policy: RecurrentPolicy, ticks: int, seed: int = 0, observations: Float32Array | None = None) -> Trial:
    """Return a trial: random readings anywhere a robot can be, and what Python answers.

    Args:
        policy: Its contract is followed.
        ticks: m ≥ 1, of readings.
        seed: Of the readings.
        observations: For the network, (n, O); those of the readings when left out.
    """
    contract, random = policy.contract, np.random.default_rng(seed)
    joints = contract.robot.joints
    low, high = (np.array([getattr(joint, f"position_{end}") for joint in joints]) for end in ("min", "max"))
    start = random.uniform(low, high)
    observing, acting = ObservationPipeline(contract, 1), ActionPipeline(contract, 1)
    acting.reset(position=start[None])
    policy.reset()
    signals, last_actions, last_targets, observed = [], [], [], []
    targets: list[list[Float64Array]] = []
    by_effort = contract.action.target == "effort"
    for tick in range(ticks):
        read = _random_signals(contract, random, low, high, tick, acting.target)
        last_actions.append(acting.last_action[0].copy())
        last_targets.append(targets[-1][1] if by_effort and targets else acting.target[0].copy())
        observation = observing.observe(read, acting.last_action)
        signals.append(read)
        observed.append(observation[0].copy())
        answer = acting.apply(policy.act(observation))
        targets.append([answer.position[0].copy(), answer.effort[0].copy()])
    seen = np.array(observed, np.float32) if observations is None else np.asarray(observations, np.float32)
    policy.reset()
    actions = np.array([policy.act(row[None])[0].copy() for row in seen])
    policy.reset()
    kept = np.array(targets)
    kept[:, 0 if by_effort else 1] = 0.0  # what C does not command
    return Trial(seen, actions, start, signals, last_actions, last_targets, np.array(observed), kept)


def run_source(source: CSource, trial: Trial, contract: Contract, compile_with: tuple[str, ...] | None = None) -> bytes:
    """Compile the source with a program around it, run it on a trial's inputs, and return what it writes.

    Args:
        source: The policy.
        trial: Its inputs.
        contract: The policy's.
        compile_with: The compiler and its flags; this machine's when left out.

    Raises:
        UserError: There is no compiler, it refuses the source, or the program fails.
    """
    command = compile_with
    if command is None:
        if (found := compiler()) is None:
            raise UserError("there is no C compiler on this machine; valid: cc, gcc or clang on the path")
        command = (found, *FLAGS)
    with tempfile.TemporaryDirectory(prefix="sim2real-c-") as folder:
        place = Path(folder)
        (place / "policy.c").write_text(source.text, encoding="utf-8")
        (place / "main.c").write_text(main_source(source.prefix), encoding="utf-8")
        _call([*command, "main.c", "-o", "trial", "-lm"], place, b"", "the compiler refuses the source")
        return _call([str(place / "trial")], place, input_of(trial, contract), "the compiled policy fails")


def main_source(prefix: str) -> str:
    """Return a program around `policy.c` that reads a trial's inputs and writes its answers."""
    return _MAIN.format(p=prefix, P=prefix.upper())


def input_of(trial: Trial, contract: Contract) -> bytes:
    """Return a trial as the program reads it."""
    fields = signal_fields(contract)
    parts = [np.int32(len(trial.observations)).tobytes(), trial.observations.tobytes()]
    parts += [np.int32(len(trial.signals)).tobytes(), trial.start.tobytes()]
    nothing = np.zeros(1).tobytes()
    for signals, action, target in zip(trial.signals, trial.last_actions, trial.last_targets, strict=True):
        parts += [np.ascontiguousarray(getattr(signals, name)[0]).tobytes() for name in fields] or [nothing]
        parts += [action.tobytes(), target.tobytes()]
    return b"".join(parts)


def compare(answers: bytes, trial: Trial) -> Agreement:
    """Return how far the program's answers are from Python's. Raises UserError if they are cut off."""
    actions, ticks = trial.actions, trial.observed
    joints = trial.targets.shape[2]
    row = np.dtype([("observation", np.float32, ticks.shape[1]), ("targets", np.float64, (2, joints))])
    if len(answers) != actions.nbytes + row.itemsize * len(ticks):
        raise UserError(f"the compiled policy wrote {len(answers)} bytes, not what a trial of this size gives")
    found = np.frombuffer(answers, np.float32, actions.size).reshape(actions.shape)
    steps = np.frombuffer(answers, row, len(ticks), actions.nbytes)
    return Agreement(
        action=_share(found, actions),
        observation=_share(steps["observation"], ticks),
        target=_share(steps["targets"], trial.targets),
        observations=len(actions),
    )


def _share(found: npt.NDArray[Any], expected: npt.NDArray[Any]) -> float:
    """Return the largest difference as a share of the largest expected value; NaN if any number is."""
    scale = float(np.abs(expected.astype(np.float64)).max(initial=0.0)) or 1.0
    return float(np.abs(found.astype(np.float64) - expected.astype(np.float64)).max(initial=0.0)) / scale


def _random_signals(
    contract: Contract,
    random: np.random.Generator,
    low: Float64Array,
    high: Float64Array,
    tick: int,
    target: Float64Array,
) -> Signals:
    signals = Signals.of(contract, 1)
    joints = contract.robot.joints
    signals.joint_position[0] = random.uniform(low, high)
    signals.joint_velocity[0] = random.uniform(-1.0, 1.0, len(joints)) * [joint.velocity_max for joint in joints]
    signals.joint_effort[0] = random.uniform(-1.0, 1.0, len(joints)) * [joint.effort_max for joint in joints]
    signals.angular_velocity[0] = random.normal(0.0, 2.0, signals.angular_velocity.shape[1:])
    turned = random.normal(0.0, 1.0, signals.orientation.shape[1:])
    signals.orientation[0] = turned / np.linalg.norm(turned, axis=-1, keepdims=True)
    signals.command[0] = [random.uniform(command.low, command.high) for command in contract.commands]
    signals.clock[0] = tick * (1.0 / contract.control_rate)
    signals.tip[0] = random.normal(0.0, 0.3, 3)
    signals.joint_target[0] = target[0]
    return signals


def _call(command: list[str], place: Path, given: bytes, wrong: str) -> bytes:
    try:
        done = subprocess.run(command, cwd=place, input=given, capture_output=True, timeout=_SECONDS_MAX, check=False)  # noqa: S603 - the compiler of this machine, and what it made
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(f"{wrong}: {error}") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        errors = [line for line in said if "error" in line] or said
        raise UserError(f"{wrong}: {errors[0] if errors else f'exit status {done.returncode}'}")
    return done.stdout
