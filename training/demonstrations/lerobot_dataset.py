"""Demonstrations from a LeRobot data set on disk: what the joints were in each frame, and where they were sent then.

`observation.state` has the positions and `action` their goals; pictures are not read. Velocities are differences,
(q(k + 1) − q(k − 1))·fps/2, one-sided in the first and last frame of an episode.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim2real.configs.errors import UserError
from sim2real.configs.schema.lerobot import LerobotConfig
from sim2real.hardware.types import Float64Array
from sim2real.runtime.contract.spec import Contract
from sim2real.training.demonstrations.demonstrations import STEPS_MAX, Demonstrations
from sim2real.training.demonstrations.joint_recording import JointRecording, check_recordable
from sim2real.training.demonstrations.lerobot_episodes import ListedEpisode
from sim2real.training.demonstrations.lerobot_frames import frames_of
from sim2real.training.demonstrations.lerobot_info import ACTION, STATE, LerobotInfo
from sim2real.training.demonstrations.lerobot_joints import LerobotJoints
from sim2real.training.demonstrations.parquet import require_pyarrow
from sim2real.training.demonstrations.recorded_steps import steps_of

_RATE_ERROR: Final = 1e-9
"""Relative: rates that differ by less are the same."""


def read_lerobot(folder: Path, config: LerobotConfig, contract: Contract) -> tuple[Demonstrations, tuple[str, ...]]:
    """Read a data set of version 2.1 or 3.0.

    Returns:
        What the policy would have seen and done, by the contract; and notes on it for a person, a line each.

    Raises:
        UserError: A file is missing, cut off or damaged, or says something else than another; a number is not finite,
            or a position where the joint cannot be; rate or joints are not those of the contract; an observation term
            needs what is not recorded; pyarrow is not installed.
    """
    info = LerobotInfo.of(folder)
    require_pyarrow(folder)
    check_recordable(contract, str(folder))
    joints = LerobotJoints.of(info, config, contract)
    _check_rate(info, config, contract)
    recording = _recording(info, joints, contract)
    demonstrations, clipped = steps_of(recording, contract, str(folder))
    return demonstrations, tuple(_notes(info, joints, contract, clipped))


def _check_rate(info: LerobotInfo, config: LerobotConfig, contract: Contract) -> None:
    if config.resample == "none" and not _same_rate(info, contract):
        raise UserError(
            f"{info.path}: fps is {info.fps:g}, and the task's control_rate {contract.control_rate:g} Hz; valid: the "
            "same, or algorithm.lerobot.resample=nearest"
        )


def _same_rate(info: LerobotInfo, contract: Contract) -> bool:
    return abs(info.fps - contract.control_rate) <= _RATE_ERROR * contract.control_rate


def _recording(info: LerobotInfo, joints: LerobotJoints, contract: Contract) -> JointRecording:
    """Return all episodes at the control rate."""
    positions, velocities, goals, total = list[Float64Array](), list[Float64Array](), list[Float64Array](), 0
    for frames in frames_of(info):
        position = joints.angles(STATE, frames.state)
        _check_positions(position, frames.episode, contract)
        taken = _taken(len(position), info, contract)
        total += len(taken)
        if not total <= STEPS_MAX:
            raise UserError(f"{info.folder}: more than {STEPS_MAX} control steps; valid: fewer episodes")
        positions.append(position[taken])
        velocities.append((np.gradient(position, axis=0) * info.fps)[taken])
        goals.append(joints.angles(ACTION, frames.action)[taken])
    position, velocity, goal = map(np.concatenate, (positions, velocities, goals))
    return JointRecording(position, velocity, goal, np.array([len(each) for each in positions]))


def _taken(frames: int, info: LerobotInfo, contract: Contract) -> NDArray[np.int64]:
    """Return the frame of each control step of an episode: the nearest in time."""
    if _same_rate(info, contract):
        return np.arange(frames)
    per_step = info.fps / contract.control_rate
    steps = int((frames - 1) / per_step * (1.0 + _RATE_ERROR)) + 1
    nearest: NDArray[np.int64] = np.floor(np.arange(steps) * per_step + 0.5).astype(np.int64)
    return np.minimum(nearest, frames - 1)


def _check_positions(position: Float64Array, episode: ListedEpisode, contract: Contract) -> None:
    """Refuse positions at which the robot's safety envelope would stop a run: units or zeros are others."""
    margin = contract.robot.safety.position_margin
    low = np.array([joint.position_min for joint in contract.robot.joints]) - margin
    high = np.array([joint.position_max for joint in contract.robot.joints]) + margin
    within = (low <= position) & (position <= high)
    if not within.all():
        frame, joint = map(int, np.argwhere(~within)[0])
        raise UserError(
            f"{episode.file}: episode {episode.index}: joint {contract.joint_names[joint]!r} is at "
            f"{position[frame, joint]:.4g} rad in frame {frame}; valid: {low[joint]:.4g} to {high[joint]:.4g} rad, its "
            "limits with safety.position_margin; algorithm.lerobot says units, zero, direction and range"
        )


def _notes(info: LerobotInfo, joints: LerobotJoints, contract: Contract, clipped: float) -> Iterator[str]:
    if not _same_rate(info, contract):
        yield f"{info.folder}: {info.fps:g} frames per second at {contract.control_rate:g} Hz: the nearest in time"
    if joints.unused:
        yield f"{info.folder}: not used: {', '.join(joints.unused)}"
    if clipped > 0.0:
        yield (
            f"{info.folder}: {clipped:.2%} of the actions are beyond what the task's action.scale allows and were "
            "clipped: the clone is shown less than was done"
        )
