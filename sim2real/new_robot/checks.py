"""Checks that the user of a new robot must do, one line each."""

from collections.abc import Iterator

from sim2real.configs.schema.robot import RobotConfig
from sim2real.model.check_lines import model_lines
from sim2real.new_robot.joint_loads import GRAVITY_SHARE
from sim2real.new_robot.mjcf import Mjcf
from sim2real.new_robot.yaml_text import Draft
from sim2real.plant import MujocoPlant


def checks_of(mjcf: Mjcf, draft: Draft, config: RobotConfig, plant: MujocoPlant) -> Iterator[str]:
    """Yield one line per guess, and per property of the model that affects its motors."""
    motor = draft.motor
    guessed = f" ({motor.check})" if motor.check else ""
    yield f"motor: {motor.config.name} for every joint{guessed}; `sim2real config list` lists the shipped motors"
    yield "ids, bus, baud rate: as set on the motors; `sim2real motors scan` shows them, `motors set-id` changes an id"
    yield "direction, zero: `sim2real motors calibrate` measures both while you move the joints by hand"
    yield from _angles(mjcf, draft)
    effort, velocity = motor.rules
    yield f"effort_limit {motor.effort:g} N*m: {effort}"
    yield f"velocity_limit {motor.velocity:g} rad/s: {velocity}"
    damping = sorted(drive.damping for drive in draft.drives.values())
    span = f"{damping[0]:g}" if damping[0] == damping[-1] else f"{damping[0]:g} to {damping[-1]:g}"
    yield f"stiffness {motor.stiffness:g} N*m/rad, damping {span} N*m*s/rad: start values; identify them"
    yield "armature, damping and frictionloss of these joints: the motor's values replace the model's"
    yield from _names(draft)
    yield from _drives(mjcf, draft)
    yield from _tip(draft)
    yield from _model(mjcf, draft)
    yield from model_lines(plant.model, plant.start, config)
    yield from _weak(config, plant)
    yield from _margins(draft, config)


def _angles(mjcf: Mjcf, draft: Draft) -> Iterator[str]:
    unlimited = [joint.name for joint, _ in draft.joints if joint.range is None]
    beyond = [joint.name for joint, angles in draft.joints if angles.exceeds_half_turn]
    moved = [joint.name for joint, angles in draft.joints if angles.default_check]
    slides = [f"{joint.name} {angles.travel * 1e3:g} mm/rad" for joint, angles in draft.joints if angles.travel]
    if len(unlimited) < len(draft.joints):
        yield "position_limits: the model's ranges; stay inside the mechanical stops"
    if unlimited:
        yield f"position_limits: -180 to 180 deg where the model has no range: {', '.join(unlimited)}"
    if beyond:
        yield f"zero: limits beyond half a turn: {', '.join(beyond)}"
    yield f"default_position: {mjcf.pose}"
    if slides:
        yield f"travel of slides: measure the pinion's radius, or the screw's lead / 2 pi: {', '.join(slides)}"
    if moved:
        yield f"default_position: set to a limit, because the model's pose is outside its range: {', '.join(moved)}"


def _names(draft: Draft) -> Iterator[str]:
    renamed = [f"{draft.names[joint.name]} is {joint.name!r}" for joint, _ in draft.joints]
    renamed = [
        text for text, (joint, _) in zip(renamed, draft.joints, strict=True) if draft.names[joint.name] != joint.name
    ]
    if renamed:
        yield f"names that a YAML cannot use, by model_names: {', '.join(renamed)}"


def _drives(mjcf: Mjcf, draft: Draft) -> Iterator[str]:
    drives, joints = mjcf.drives, [joint for joint, _ in draft.joints]
    if drives.actuators:
        replaced = drives.actuators - len(drives.dropped)
        yield f"the model's actuators: motors replace {replaced} of {drives.actuators}"
    else:
        yield "the model has no actuators: every hinge that nothing else moves has a motor; --joints chooses others"
    if drives.dropped:
        yield f"no motor replaces {'; '.join(drives.dropped)}"
    if draft.held:
        yield f"held where they start, because a tendon drives them: {', '.join(draft.held)}"
    if drives.doubled:
        yield f"several actuators of the model on one joint become one motor: {', '.join(drives.doubled)}"
    idle = [joint.name for joint in joints if drives.actuators and joint.name not in drives.driven]
    if idle:
        yield f"no actuator of the model drives {', '.join(idle)}"
    tied = [f"{joint.name} ({drives.reasons[joint.name]})" for joint in joints if joint.name in drives.reasons]
    if tied:
        yield f"a motor and something else move {', '.join(tied)}: they work against each other"
    frozen = [joint.name for joint in mjcf.joints if not joint.can_move]
    if frozen:
        yield f"a range of zero: {', '.join(frozen)}"


def _tip(draft: Draft) -> Iterator[str]:
    if draft.tip is not None and draft.tip.guessed:
        what = f"{'site' if draft.tip.is_site else 'body'} {draft.tip.name!r}"
        yield f"tip: {what} moves with the most motors ({len(draft.tip.links)}); --tip chooses another"


def _model(mjcf: Mjcf, draft: Draft) -> Iterator[str]:
    joints = [joint for joint, _ in draft.joints]
    cut = [joint.name for joint in joints if joint.effort_max is not None and joint.effort_max < draft.motor.effort]
    if cut:
        yield f"the model's actuatorfrcrange is below effort_limit and clips it in simulation: {', '.join(cut)}"
    sprung = [joint.name for joint in joints if joint.spring > 0.0]
    if sprung:
        yield f"the model's joint springs stay active: {', '.join(sprung)}"
    standing = draft.standing
    if standing.base is not None:
        yield f"the base {standing.base!r} floats: the file gives it an IMU, which a balancing policy needs"
    if standing.adds_ground:
        yield "no ground in the model: the file adds a level one at height 0"
    if draft.apart:
        pairs = ", ".join(f"{one} and {other}" for one, other in draft.apart)
        yield f"no_contact: neighbours that overlap in the start pose do not touch: {pairs}"
    if draft.feet:
        yield f"feet: the geoms at the ends of the legs: {', '.join(draft.feet)}"
    if standing.height is not None:
        yield f"start.height: {standing.height:.4g} m touches the ground; the model has {standing.in_model:.4g} m"


def _weak(config: RobotConfig, plant: MujocoPlant) -> Iterator[str]:
    """Yield the joints whose motors cannot hold the start pose against gravity with a fixed base."""
    model, bias = plant.model, plant.data.qfrc_bias
    gravity = {
        name: abs(float(bias[model.joint(config.in_model(name)).dofadr[0]])) * (joint.travel or 1.0)
        for name, joint in config.joints.items()
    }
    weak = [
        f"{name} (gravity {gravity[name]:.2g}, effort_limit {joint.effort_limit:g} N*m)"
        for name, joint in config.joints.items()
        if not gravity[name] <= joint.effort_limit
    ]
    if weak:
        yield f"too weak to hold the start pose with a fixed base: {', '.join(weak)}"


def _margins(draft: Draft, config: RobotConfig) -> Iterator[str]:
    """Yield the joints to which gravity leaves little of their effort somewhere in their range."""
    tight = [
        f"{name} ({drive.load.gravity:.2g} of {config.joints[name].effort_limit:g} N*m)"
        for name, drive in draft.drives.items()
        if not drive.load.gravity <= GRAVITY_SHARE * config.joints[name].effort_limit
    ]
    if tight:
        yield f"gravity takes most of the effort somewhere in the range, with a fixed base: {', '.join(tight)}"
