"""Checks that the user of a new robot must do, one line each."""

from collections.abc import Iterator

from sim2real.configs.schema.robot import RobotConfig
from sim2real.new_robot.mjcf import Mjcf
from sim2real.new_robot.yaml_text import Draft
from sim2real.plant import MujocoPlant


def checks_of(mjcf: Mjcf, draft: Draft, config: RobotConfig, plant: MujocoPlant) -> Iterator[str]:
    """Yield one line per guess, and per property of the model that affects its motors."""
    motor, start = draft.motor, draft.motor.start
    guessed = f" ({motor.check})" if motor.check else ""
    yield f"motor: {motor.config.name} for every joint{guessed}; `sim2real config list` lists the shipped motors"
    yield "ids, bus, baud rate: as set on the motors; `sim2real motors scan` shows them, `motors set-id` changes an id"
    yield "direction, zero: `sim2real motors calibrate` measures both while you move the joints by hand"
    yield from _angles(mjcf, draft)
    rules = f"{start.effort_share:g} times stall torque, {start.velocity_share:g} times no-load speed"
    yield f"effort_limit {motor.effort:g} N*m, velocity_limit {motor.velocity:g} rad/s: {rules}"
    yield f"stiffness {motor.stiffness:g} N*m/rad, damping {motor.damping:g} N*m*s/rad: start values; identify them"
    yield "armature, damping and frictionloss of these joints: the motor's values replace the model's"
    yield from _model(mjcf, draft)
    yield from _weak(config, plant)


def _angles(mjcf: Mjcf, draft: Draft) -> Iterator[str]:
    unlimited = [hinge.name for hinge, _ in draft.joints if hinge.range is None]
    beyond = [hinge.name for hinge, angles in draft.joints if angles.exceeds_half_turn]
    moved = [hinge.name for hinge, angles in draft.joints if angles.default_check]
    if len(unlimited) < len(draft.joints):
        yield "position_limits: the model's ranges; stay inside the mechanical stops"
    if unlimited:
        yield f"position_limits: -180 to 180 deg where the model has no range: {', '.join(unlimited)}"
    if beyond:
        yield f"zero: limits beyond half a turn: {', '.join(beyond)}"
    yield f"default_position: {mjcf.pose}"
    if moved:
        yield f"default_position: set to a limit, because the model's pose is outside its range: {', '.join(moved)}"


def _model(mjcf: Mjcf, draft: Draft) -> Iterator[str]:
    hinges = [hinge for hinge, _ in draft.joints]
    if mjcf.actuators:
        yield f"the model's actuators ({mjcf.actuators}): replaced by the motors"
    driven = [hinge.name for hinge in hinges if hinge.has_actuator]
    idle = [hinge.name for hinge in hinges if not hinge.has_actuator]
    if idle:
        choice = f": if they are passive, use --joints {','.join(driven)}" if driven else ""
        yield f"no actuator of the model drives {', '.join(idle)}{choice}"
    cut = [hinge.name for hinge in hinges if hinge.effort_max is not None and hinge.effort_max < draft.motor.effort]
    if cut:
        yield f"the model's actuatorfrcrange is below effort_limit and clips it in simulation: {', '.join(cut)}"
    sprung = [hinge.name for hinge in hinges if hinge.spring > 0.0]
    if sprung:
        yield f"the model's joint springs stay active: {', '.join(sprung)}"
    if any(hinge.floating_base is not None for hinge in hinges):
        yield "the base floats: a balancing policy needs an IMU; uncomment the one at the end of the file"


def _weak(config: RobotConfig, plant: MujocoPlant) -> Iterator[str]:
    """Yield the joints whose motors cannot hold the start pose against gravity with a fixed base."""
    model, bias = plant.model, plant.data.qfrc_bias
    gravity = {name: abs(float(bias[model.joint(name).dofadr[0]])) for name in config.joints}
    weak = [
        f"{name} (gravity {gravity[name]:.2g}, effort_limit {joint.effort_limit:g} N*m)"
        for name, joint in config.joints.items()
        if not gravity[name] <= joint.effort_limit
    ]
    if weak:
        yield f"too weak to hold the start pose with a fixed base: {', '.join(weak)}"
