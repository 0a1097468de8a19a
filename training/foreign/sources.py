"""Reads what is stated about a policy: our YAML, a deploy.yaml of Unitree RL Lab, the metadata that mjlab writes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sim2real.configs.errors import UserError
from sim2real.configs.load import validate
from sim2real.configs.schema.command import VELOCITY_COMMANDS
from sim2real.configs.schema.foreign import ForeignConfig
from sim2real.configs.yaml_source import read_yaml
from sim2real.training.foreign.stated import EXACT, Command, Numbers, Rounding, Stated, Term

TERMS: Final = {
    "base_ang_vel": "gyro",
    "ang_vel": "gyro",
    "projected_gravity": "projected_gravity",
    "gravity_vec": "projected_gravity",
    "velocity_commands": "command",
    "generated_commands": "command",
    "commands": "command",
    "command": "command",
    "joint_pos_rel": "joint_position",
    "dof_pos": "joint_position",
    "joint_vel_rel": "joint_velocity",
    "joint_vel": "joint_velocity",
    "dof_vel": "joint_velocity",
    "last_action": "last_action",
    "actions": "last_action",
    "gait_phase": "phase",
}
"""Names of other projects for the contract's terms; the contract's own names are valid too."""
_OURS: Final = ("gyro", "projected_gravity", "joint_position", "joint_velocity", "joint_effort", "phase")
_ABSOLUTE: Final = "joint_pos_absolute"
"""Joint positions that are not relative to the default pose."""

# unitree_rl_lab writes deploy.yaml with three significant digits, mjlab its metadata with three decimals.
DEPLOY_ROUNDING: Final = Rounding(relative=5e-3)
MJLAB_ROUNDING: Final = Rounding(absolute=5e-4)

_VELOCITIES: Final = dict(zip(("lin_vel_x", "lin_vel_y", "ang_vel_z"), VELOCITY_COMMANDS, strict=True))
_MJLAB_KEYS: Final = ("joint_names", "joint_stiffness", "joint_damping", "default_joint_pos", "action_scale")


def stated_in(path: Path) -> Stated:
    """Return what a YAML file states: ours, or a deploy.yaml, which is known by its `step_dt`. Raises UserError."""
    sourced = read_yaml(path)
    if "step_dt" in sourced.data:
        return _deploy(path, sourced.data)
    config = validate(ForeignConfig, sourced, ())
    action = config.action
    joints = None if config.joints is None else len(config.joints)
    robot = config.robot
    if robot is not None and (path.parent / robot).is_file():
        robot = str(path.parent / robot)
    return Stated(
        source=str(path),
        rounding=EXACT,
        task=config.task,
        robot=robot,
        rate=config.rate,
        joints=config.joints,
        names=tuple(config.names.items()) or None,
        reversed=config.reversed or None,
        default_pose=config.default_pose,
        stiffness=_each(config.stiffness, joints),
        damping=_each(config.damping, joints),
        action_scale=None if action is None else _each(action.scale, joints),
        action_offset=None if action is None else action.offset,
        action_clip=None if action is None else action.clip,
        terms=None
        if config.observation is None
        else tuple(
            term_of(entry.term, _each(entry.scale, None), entry.clip, entry.history, str(path))
            for entry in config.observation
        ),
        by_time=(config.history_order == "time") if config.observation is not None else None,
        commands=None
        if config.commands is None
        else tuple(Command(name, *command.range, command.default) for name, command in config.commands.items()),
        phase_frequency=config.phase_frequency,
    )


def stated_in_metadata(metadata: Mapping[str, str], source: str) -> Stated | None:
    """Return what mjlab wrote into an ONNX file; None if it wrote nothing. Raises UserError for what is malformed."""
    if not set(_MJLAB_KEYS) & set(metadata):
        return None
    words = f"metadata of {source}"

    def numbers(key: str) -> Numbers | None:
        if key not in metadata:
            return None
        try:
            return tuple(float(text) for text in metadata[key].split(","))
        except ValueError as error:
            raise UserError(f"{words}: {key} is no list of numbers: {metadata[key]!r}") from error

    names = metadata.get("observation_names")
    terms = None
    if names is not None:
        # mjlab's `joint_pos` and `joint_vel` are relative; its metadata says nothing of scales.
        theirs = [{"joint_pos": "joint_pos_rel"}.get(name, name) for name in names.split(",")]
        terms = tuple(term_of(name, None, None, 1, words) for name in theirs)
    joints = metadata.get("joint_names")
    return Stated(
        source=words,
        rounding=MJLAB_ROUNDING,
        joints=None if joints is None else tuple(joints.split(",")),
        default_pose=numbers("default_joint_pos"),
        stiffness=numbers("joint_stiffness"),
        damping=numbers("joint_damping"),
        action_scale=numbers("action_scale"),
        terms=terms,
    )


def term_of(name: str, scale: Numbers | None, clip: float | None, history: int, source: str) -> Term:
    """Return a term by any of its names. Raises UserError for one that no sensor of a robot measures, or is unknown."""
    if name == _ABSOLUTE:
        return Term("joint_position", scale, clip, history, absolute=True, theirs=name)
    known = TERMS.get(name, name if name in _OURS else None)
    if known is None:
        valid = ", ".join(dict.fromkeys([*TERMS, *_OURS, _ABSOLUTE]))
        why = ""
        if name == "base_lin_vel":
            why = ", which no sensor of a robot measures; train without it"
        if name == "joint_pos":
            why = f", which is relative in some projects and absolute in others; say joint_pos_rel or {_ABSOLUTE}"
        raise UserError(f"{source}: observation {name!r}{why or f' is not known; valid: {valid}'}")
    return Term(known, scale, clip, history, theirs=name)


def _each(value: float | Numbers | None, count: int | None) -> Numbers | None:
    if value is None or isinstance(value, tuple):
        return value
    return (float(value),) * (count or 1)


def _deploy(path: Path, data: dict[str, Any]) -> Stated:
    """Return what a deploy.yaml states: gains in the order of the robot's SDK, the rest in the policy's."""
    try:
        return _read_deploy(str(path), data)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise UserError(f"{path}: not a deploy.yaml of Unitree RL Lab: {type(error).__name__}: {error}") from error


def _read_deploy(source: str, data: dict[str, Any]) -> Stated:
    order = [int(entry) for entry in data["joint_ids_map"]]
    actions = data["actions"]
    if set(actions) != {"JointPositionAction"}:
        raise UserError(f"{source}: actions {', '.join(actions)}; valid: JointPositionAction alone")
    action = actions["JointPositionAction"]
    if action.get("clip") is not None:
        raise UserError(
            f"{source}: actions.JointPositionAction.clip bounds targets; valid: null: the robot's limits do"
        )
    if action.get("joint_ids") is not None:
        raise UserError(f"{source}: actions.JointPositionAction.joint_ids; valid: null, all joints")
    named = [str(name) for name in action.get("joint_names") or () if name != ".*"]
    terms = data["observations"]
    return Stated(
        source=source,
        rounding=DEPLOY_ROUNDING,
        rate=1.0 / float(data["step_dt"]),
        joints=tuple(named) if len(named) == len(order) else None,
        default_pose=_floats(data["default_joint_pos"]),
        stiffness=tuple(float(data["stiffness"][at]) for at in order),
        damping=tuple(float(data["damping"][at]) for at in order),
        action_scale=_floats(action["scale"]),
        action_offset=None if action.get("offset") is None else _floats(action["offset"]),
        terms=tuple(_deploy_term(source, name, entry) for name, entry in terms.items() if isinstance(entry, dict)),
        by_time=bool(terms.get("use_gym_history", False)),
        commands=_deploy_commands(data.get("commands") or {}),
    )


def _deploy_term(source: str, name: str, entry: dict[str, Any]) -> Term:
    scale, clip = entry.get("scale"), entry.get("clip")
    if clip is not None and not (len(clip) == 2 and clip[0] == -clip[1]):
        raise UserError(f"{source}: observations.{name}.clip {clip}; valid: null, or as far down as up")
    scales = (1.0,) if scale is None else _floats(scale)
    return term_of(
        name, scales, None if clip is None else float(clip[1]), int(entry.get("history_length") or 1), source
    )


def _deploy_commands(commands: dict[str, Any]) -> tuple[Command, ...] | None:
    if "base_velocity" not in commands:
        return None
    ranges = commands["base_velocity"]["ranges"]
    return tuple(
        Command(ours, float(ranges[name][0]), float(ranges[name][1]), 0.0)
        for name, ours in _VELOCITIES.items()
        if ranges.get(name) is not None
    )


def _floats(value: Any) -> Numbers:  # noqa: ANN401 - YAML holds anything
    return tuple(float(entry) for entry in value) if isinstance(value, list) else (float(value),)
