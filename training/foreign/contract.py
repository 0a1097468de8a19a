"""The contract of a foreign policy, and the way from its observation to the one that its network expects."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.hardware.types import Float64Array
from sim2real.runtime.contract.goal_spec import FinishGoal
from sim2real.runtime.contract.observation_term import width_of
from sim2real.runtime.contract.part import first_problem
from sim2real.runtime.contract.robot import RobotSpec, robot_spec
from sim2real.runtime.contract.signals import Sizes
from sim2real.runtime.contract.spec import (
    SCHEMA_VERSION,
    ActionSpec,
    CommandSpec,
    Contract,
    ObservationTermSpec,
)
from sim2real.training.foreign.stated import Numbers, Stated, Term

NO_CLIP: Final = 1e6
"""The contract's largest clip: of actions that nothing bounds but the targets' limits."""
_OF_JOINTS: Final = ("joint_position", "joint_velocity", "joint_effort")
_DIFFERENCES_SHOWN: Final = 4


@dataclass(frozen=True)
class Layout:
    """Value k of the policy's own observation is factor[k] · observation[index[k]] + offset[k]."""

    index: npt.NDArray[np.int64]
    factor: Float64Array
    offset: Float64Array
    names: tuple[str, ...]
    """Of every value, for messages."""
    joints: npt.NDArray[np.int64]
    """The robot's joint for each of the policy's."""
    signs: Float64Array
    """-1 for joints that turn the other way round, in the policy's order."""
    joint_names: tuple[str, ...]
    """The policy's names, in its order."""


def foreign_contract(stated: Stated, states: tuple[tuple[int, ...], ...]) -> tuple[Contract, Layout]:
    """Return contract and layout.

    Args:
        stated: Everything that is known; complete.
        states: Shapes of the network's recurrent state.

    Raises:
        UserError: The robot is another one than the policy was trained for: each joint and field is named.
    """
    spec = robot_spec(load_robot(stated.robot or ""))
    joints, signs = _joints(stated, spec)
    _check_robot(stated, spec, joints, signs)
    commands = tuple(
        CommandSpec(name=each.name, low=each.low, high=each.high, default=each.default)
        for each in stated.commands or ()
    )
    sizes = Sizes(len(spec.joints), len(spec.imus), len(commands))
    terms = stated.terms or ()
    try:
        contract = Contract(
            schema_version=SCHEMA_VERSION,
            task=stated.task or "",
            control_rate=stated.rate or 0.0,
            robot=spec,
            observation=tuple(_term_spec(term, sizes, stated) for term in terms),
            action=_action(stated, spec, joints, signs),
            goal=FinishGoal(kind="finish"),
            recurrent_state=states,
            commands=commands,
            phase_frequency=stated.phase_frequency,
        )
    except ValidationError as error:
        raise UserError(f"{stated.source}: {first_problem(error)}") from error
    return contract, _layout(stated, contract, joints, signs)


def _joints(stated: Stated, spec: RobotSpec) -> tuple[npt.NDArray[np.int64], Float64Array]:
    """Return the robot's joint for each of the policy's, and whether it turns the other way round."""
    theirs, names = stated.joints or (), dict(stated.names or ())
    ours = [joint.name for joint in spec.joints]
    mapped = [names.get(name, name) for name in theirs]
    unknown = [name for name in mapped if name not in ours]
    left = [name for name in ours if name not in mapped]
    if unknown or left or len(set(mapped)) != len(mapped):
        what = f"not of the robot: {', '.join(unknown)}" if unknown else f"not of the policy: {', '.join(left)}"
        if not unknown and not left:
            what = "one is named twice"
        raise UserError(
            f"{stated.source}: joints of policy and robot {spec.name!r} differ: {what}; "
            f"the robot's: {', '.join(ours)}; `names` maps the policy's names to them"
        )
    wrong = [name for name in (*names, *(stated.reversed or ())) if name not in theirs]
    if wrong:
        raise UserError(f"{stated.source}: no joint {wrong[0]!r} of the policy; valid: {', '.join(theirs)}")
    signs = [-1.0 if name in (stated.reversed or ()) else 1.0 for name in theirs]
    return np.array([ours.index(name) for name in mapped]), np.array(signs)


def _check_robot(stated: Stated, spec: RobotSpec, joints: npt.NDArray[np.int64], signs: Float64Array) -> None:
    """Refuse a robot whose pose or gains are not those of training."""
    wrong = []
    pairs = {
        "default_position": (stated.default_pose, signs),
        "stiffness": (stated.stiffness, np.ones(len(joints))),
        "damping": (stated.damping, np.ones(len(joints))),
    }
    for field, (numbers, sign) in pairs.items():
        values = _spread(numbers or (), len(joints), field, stated)
        for value, turn, at in zip(values, sign, joints, strict=True):
            joint = spec.joints[at]
            ours = float(getattr(joint, field))
            if not stated.rounding.same(float(turn) * value, ours):
                wrong.append(f"{joint.name}.{field}: policy {float(turn) * value:g}, robot {ours:g}")
    wrong += [
        f"{joint.name}.mode: {joint.mode}, valid: position or impedance"
        for joint in spec.joints
        if joint.mode == "current"
    ]
    if wrong:
        more = f"; and {len(wrong) - _DIFFERENCES_SHOWN} more" if len(wrong) > _DIFFERENCES_SHOWN else ""
        raise UserError(
            f"{stated.source}: the robot {spec.name!r} is not as in training: {'; '.join(wrong[:_DIFFERENCES_SHOWN])}"
            f"{more}. Give the robot's YAML the values of training, or correct what is stated"
        )


def _action(stated: Stated, spec: RobotSpec, joints: npt.NDArray[np.int64], signs: Float64Array) -> ActionSpec:
    count = len(joints)
    scale, offset = np.zeros(count), np.array([joint.default_position for joint in spec.joints])
    scale[joints] = signs * _spread(stated.action_scale or (), count, "action.scale", stated)
    if stated.action_offset is not None:
        given = signs * _spread(stated.action_offset, count, "action.offset", stated)
        for at, value in zip(joints, given, strict=True):
            if not stated.rounding.same(float(value), float(offset[at])):  # else the robot's number is the exact one
                offset[at] = value
    return ActionSpec(
        target="position",
        scale=tuple(scale.tolist()),
        offset=tuple(offset.tolist()),
        clip=stated.action_clip or NO_CLIP,
        smoothing=0.0,
    )


def _term_spec(term: Term, sizes: Sizes, stated: Stated) -> ObservationTermSpec:
    width = width_of(term.name, sizes)
    if width < 1:
        raise UserError(f"{stated.source}: observation {term.theirs!r} has no values on this robot")
    if term.name in ("gyro", "projected_gravity") and sizes.imus != 1:
        raise UserError(f"{stated.source}: observation {term.theirs!r} needs a robot with one IMU, it has {sizes.imus}")
    uniform = _uniform(term, width)
    scale = 1.0 if uniform is None else uniform
    return ObservationTermSpec(
        term=term.name,
        width=width,
        scale=scale,
        clip=None if term.clip is None else term.clip * scale,
        history=term.history,
    )


def _uniform(term: Term, width: int) -> float | None:
    """Return the scale of all values of a term; None where they differ, or a position is absolute."""
    scales = set(_widened(term, width).tolist())
    (first, *others) = scales
    return first if not others and first > 0.0 and not term.absolute else None


def _widened(term: Term, width: int) -> Float64Array:
    scale = term.scale or (1.0,)
    if len(scale) not in (1, width):
        raise UserError(f"observation {term.theirs!r} has {len(scale)} scales; valid: 1 or {width}")
    return np.array(scale * width if len(scale) == 1 else scale)


def _layout(stated: Stated, contract: Contract, joints: npt.NDArray[np.int64], signs: Float64Array) -> Layout:
    default = np.array([joint.default_position for joint in contract.robot.joints])
    rows: list[tuple[int, int, int, int, float, float, str]] = []
    start = 0
    for number, (term, spec) in enumerate(zip(stated.terms or (), contract.observation, strict=True)):
        of_joints = term.name in _OF_JOINTS or term.name == "last_action"
        scales = np.ones(spec.width) if _uniform(term, spec.width) is not None else _widened(term, spec.width)
        for tick in range(spec.history):
            for element in range(spec.width):
                at = int(joints[element]) if of_joints else element
                turn = float(signs[element]) if term.name in _OF_JOINTS else 1.0
                offset = float(scales[element] * turn * default[at]) if term.absolute else 0.0
                what = (stated.joints or ())[element] if of_joints else str(element)
                rows.append(
                    (
                        tick - spec.history if stated.by_time else number,  # the newest ticks of all terms together
                        number,
                        tick,
                        start + tick * spec.width + at,
                        float(scales[element]) * turn,
                        offset,
                        f"{term.theirs} of {what}" if of_joints else f"{term.theirs}[{what}]",
                    )
                )
        start += spec.size
    ordered = sorted(rows, key=lambda row: row[:3])  # stable: elements keep their order
    return Layout(
        index=np.array([row[3] for row in ordered], np.int64),
        factor=np.array([row[4] for row in ordered]),
        offset=np.array([row[5] for row in ordered]),
        names=tuple(row[6] for row in ordered),
        joints=joints,
        signs=signs,
        joint_names=stated.joints or (),
    )


def _spread(numbers: Numbers, count: int, what: str, stated: Stated) -> Float64Array:
    if len(numbers) not in (1, count):
        raise UserError(f"{stated.source}: {what} has {len(numbers)} values; valid: 1 or {count}, one a joint")
    return np.array(numbers * count if len(numbers) == 1 else numbers)
