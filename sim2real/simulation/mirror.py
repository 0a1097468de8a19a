"""The mirror of a task: what its observations, privileged values and actions are when left and right are exchanged."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.randomization import RandomizationConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.model.mirror import FLIP, RobotMirror
from sim2real.model.model import RobotModel
from sim2real.model.signed_permutation import SignedPermutation
from sim2real.randomization.mirror import mirror_of_parameters
from sim2real.runtime.contract.mirror_part import Mirrored, MirrorPart
from sim2real.runtime.contract.observation_term import find_term
from sim2real.runtime.contract.spec import Contract
from sim2real.task.terms import Terms

_COMMANDS: Final = {"forward": 1.0, "left": -1.0, "turn": -1.0, "tip_x": 1.0, "tip_y": -1.0, "tip_z": 1.0}
"""Signs of the commands that this project knows."""
_ALIKE: Final = 1e-9  # between scales or offsets of the action
_SHARE_OF_CYCLE: Final = 1e-6

_Parts = Mapping[MirrorPart, Callable[[], SignedPermutation]]


@dataclass(frozen=True)
class TaskMirror:
    """Images of what a learner sees and does."""

    observation: SignedPermutation
    """(O,)"""
    privileged: SignedPermutation
    """(P,)"""
    action: SignedPermutation
    """(A,)"""

    @classmethod
    def of(
        cls, task: TaskConfig, randomization: RandomizationConfig, contract: Contract, robot: RobotModel
    ) -> "TaskMirror":
        """Return the mirror of a task.

        Raises:
            ConfigError: Its robot has none or is not symmetrical, or something of the task has no image.
        """
        mirror = RobotMirror.of(task.robot, robot)
        parts = _parts(task, randomization, robot, mirror)
        observed = []
        for term in contract.observation:
            part = _joined(f"observation term {term.term!r}", find_term(term.term).mirror, parts, term.width)
            observed += [part] * term.history
        terms = Terms.of(task).privileged
        seen = [_joined(f"privileged term {name!r}", terms[name].mirror, parts) for name in task.privileged]
        _check_action(contract, mirror.joints)
        return cls(SignedPermutation.joined(observed), SignedPermutation.joined(seen), mirror.joints)


def _parts(task: TaskConfig, randomization: RandomizationConfig, robot: RobotModel, mirror: RobotMirror) -> _Parts:
    imus, feet, joints = len(mirror.imus), mirror.feet, mirror.joints

    def of_imus(signs: np.ndarray) -> SignedPermutation:
        places = 3 * np.repeat(mirror.imus, 3) + np.tile(np.arange(3), imus)
        return SignedPermutation.of(places, np.tile(signs, imus))

    return {
        "same": lambda: SignedPermutation.of([0]),
        "negated": lambda: SignedPermutation.of([0], [-1.0]),
        "vector": lambda: SignedPermutation.of([0, 1, 2], FLIP),
        "rotation": lambda: SignedPermutation.of([0, 1, 2], -FLIP),
        "imu_vectors": lambda: of_imus(FLIP),
        "imu_rotations": lambda: of_imus(-FLIP),
        "joints": lambda: joints,
        "joint_values": lambda: SignedPermutation.of(joints.index),
        "feet": lambda: SignedPermutation.of(feet),
        "commands": lambda: _commands(task),
        "phase": lambda: _phase(task, mirror),
        "parameters": lambda: mirror_of_parameters(randomization, robot, mirror),
    }


def _joined(what: str, declared: Mirrored | None, parts: _Parts, width: int | None = None) -> SignedPermutation:
    if declared is None:
        raise ConfigError(f"{what} does not say how it changes in a mirror; valid: a `mirror` in its declaration")
    joined = SignedPermutation.joined(parts[part]() for part in declared)
    if width is not None and len(joined) != width:
        raise ConfigError(f"{what} has {width} values, and its `mirror` {len(joined)}")
    return joined


def _commands(task: TaskConfig) -> SignedPermutation:
    signs = []
    for name, command in task.commands.items():
        known = {"same": 1.0, "negated": -1.0, None: _COMMANDS.get(name)}[command.mirror]
        if known is None:
            raise ConfigError(
                f"task {task.name!r}: commands.{name} does not say what it is in a mirror; "
                "valid: mirror: same, mirror: negated"
            )
        signs.append(known)
    return SignedPermutation.of(np.arange(len(signs)), signs)


def _phase(task: TaskConfig, mirror: RobotMirror) -> SignedPermutation:
    """Return the mirror of sine and cosine of the clock: half a cycle on, if that is the gait of the other side."""
    if task.gait is None:
        return SignedPermutation.of([0, 1])
    offsets = task.gait.offsets
    ahead = [(offsets[mirror.image(foot)] - offsets[foot]) % 1.0 for foot in task.robot.feet]
    for share, sign in ((0.0, 1.0), (0.5, -1.0)):
        if all(abs((value - share + 0.5) % 1.0 - 0.5) <= _SHARE_OF_CYCLE for value in ahead):
            return SignedPermutation.of([0, 1], [sign, sign])
    raise ConfigError(
        f"task {task.name!r}: gait.offsets: in a mirror this is another gait; valid: the offsets of a foot and its "
        "image are equal in all pairs, or half a cycle apart in all"
    )


def _check_action(contract: Contract, joints: SignedPermutation) -> None:
    """Refuse an action that moves a joint and its image differently."""
    scale, offset = np.array(contract.action.scale), np.array(contract.action.offset)
    alike = np.abs(scale[joints.index] - scale) <= _ALIKE
    alike &= np.abs(joints.sign * offset[joints.index] - offset) <= _ALIKE
    if not alike.all():
        joint = int(np.flatnonzero(~alike)[0])
        image = contract.joint_names[int(joints.index[joint])]
        raise ConfigError(
            f"task {contract.task!r}: action: {contract.joint_names[joint]!r} has another scale or offset than its "
            f"image {image!r}"
        )
