"""Text of a new robot's YAML, with every guess marked `check:`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from sim2real.configs.families import IMU_FAMILIES
from sim2real.configs.yaml_scalars import CoreDumper
from sim2real.hardware.imu.family import imu_family
from sim2real.hardware.types import Float64Array
from sim2real.new_robot.joint_angles import Angles
from sim2real.new_robot.joint_loads import JointDrive
from sim2real.new_robot.mjcf import ModelJoint
from sim2real.new_robot.names import yaml_names
from sim2real.new_robot.standing import Standing
from sim2real.new_robot.start_values import Motor, two_digits
from sim2real.new_robot.tip_chain import Tip


@dataclass(frozen=True)
class Draft:
    """Contents of a robot YAML."""

    name: str
    model: str
    """Path of the MJCF, as written in the YAML."""
    motor: Motor
    pose: str
    """Description of the source of the start pose."""
    first_id: int
    joints: tuple[tuple[ModelJoint, Angles], ...]
    names: dict[str, str]
    """Names in the YAML of the model's joints."""
    standing: Standing
    """Start pose of the base."""
    held: tuple[str, ...] = ()
    """Joints of tendons, by their names in the model."""
    tip: Tip | None = None
    """Kinematics of the tip."""
    feet: tuple[str, ...] = ()
    """Geoms of the feet, by their names in the model."""
    apart: tuple[tuple[str, str], ...] = ()
    """Bodies without contacts between them, by their names in the model."""
    drives: Mapping[str, JointDrive] = field(default_factory=dict)
    """What the joints' motors are to do, by names in the YAML; without it, each moves its rotor alone."""

    @property
    def others(self) -> dict[str, str]:
        """Names in the YAML of what it names besides joints: the base's body, the tip, and feet."""
        named = [self.standing.base, None if self.tip is None else self.tip.name, *self.feet]
        given = [name for name in dict.fromkeys(named) if name is not None]
        known = yaml_names([*self.names, *given])
        return {name: known[name] for name in given}


def robot_text(draft: Draft) -> str:
    """Return the text of the file."""
    blocks = [
        _head(draft),
        _model_names(draft),
        _held(draft),
        _no_contact(draft),
        _start(draft.standing),
        _bus(draft.motor),
    ]
    blocks += [_rules(draft.motor), _joints(draft), _feet(draft), _envelope(draft.motor)]
    if draft.tip is not None:
        blocks.append(_tip(draft, draft.tip))
    if draft.standing.base is not None:
        blocks.append(_imu(draft.others[draft.standing.base]))
    return "\n".join(line for block in blocks for line in block) + "\n"


def printable(text: str) -> str:
    """Return text with non-printing characters escaped, on one line."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _head(draft: Draft) -> Iterator[str]:
    yield f"# Draft made by `sim2real new robot` from {printable(Path(draft.model).name)}."
    yield "# Every line with `check:` contains a guess; remove the mark when you have checked it."
    yield f"name: {_scalar(draft.name)}"
    yield f"model: {_scalar(draft.model)} # bodies, joints and geoms; its actuators are replaced by the motors below"
    yield f"supply_voltage: {draft.motor.config.nominal.voltage:g} V # check: the motor's nominal voltage"


def _model_names(draft: Draft) -> Iterator[str]:
    renamed = {draft.names[joint.name]: joint.name for joint, _ in draft.joints}
    renamed |= {name: original for original, name in draft.others.items()}
    lines = [f"  {name}: {_scalar(original)}" for name, original in renamed.items() if name != original]
    if lines:
        yield "model_names: # names that this file cannot use, as they are in the model"
        yield from lines


def _held(draft: Draft) -> Iterator[str]:
    if draft.held:
        yield "held: # check: a tendon drives these joints of the model, which no motor here replaces"
        yield from (f"  - {_scalar(name)}" for name in draft.held)


def _no_contact(draft: Draft) -> Iterator[str]:
    if draft.apart:
        yield "no_contact: # check: these neighbours overlap in the start pose; contacts would push them apart"
        yield from (f"  - [{_scalar(one)}, {_scalar(other)}]" for one, other in draft.apart)


def _start(standing: Standing) -> Iterator[str]:
    if standing.adds_ground:
        yield "ground: 0 m # check: the model has no ground; remove this line if it stands on something else"
    if standing.keyframe is None and standing.height is None:
        return
    yield "start:"
    if standing.keyframe is not None:
        yield f"  keyframe: {_scalar(standing.keyframe)}"
    if standing.height is not None:
        yield (
            f"  height: {standing.height:.5f} m # check: the lowest point touches the ground; in the model's pose the "
            f"base is at {standing.in_model:.5g} m"
        )


def _bus(motor: Motor) -> Iterator[str]:
    start = motor.start
    yield "buses:"
    yield "  main: # check: all motors are on one bus"
    yield f"    protocol: {motor.family.protocol}"
    yield f"    baudrate: {start.baudrate} # check: {start.baudrate_check}"
    yield f"    port: {start.port} # check: the adapter's device; `--port main=PATH` overrides it"


def _rules(motor: Motor) -> Iterator[str]:
    start, (effort, velocity) = motor.start, motor.rules
    yield "# Rules for the numbers of the joints:"
    yield f"# effort_limit is {effort};"
    yield f"# velocity_limit is {velocity};"
    yield f"# stiffness reaches the effort limit at a position error of {start.reach:g} rad;"
    yield "# damping is critical with the largest inertia over the range, 2 sqrt(stiffness * inertia) less the motor's"
    yield "# viscous friction; or the motor's own by its back-EMF, where that is more or registers reach no further."
    yield "# Gains are start values: identify them on the robot."


def _joints(draft: Draft) -> Iterator[str]:
    yield "joints: # in the order of the model, which is the order of all arrays"
    for number, (joint, angles) in enumerate(draft.joints, start=draft.first_id):
        yield f"  {draft.names[joint.name]}:"
        yield from _joint(number, angles, draft.motor, draft.pose, draft.drives.get(draft.names[joint.name]))


def _joint(number: int, angles: Angles, motor: Motor, pose: str, drive: JointDrive | None) -> Iterator[str]:
    limits = f"[{_degrees(angles.low)}, {_degrees(angles.high)}]"
    yield f"    motor: {_scalar(motor.reference)}" + (f" # check: {motor.check}" if motor.check else "")
    yield "    bus: main"
    yield f"    id: {number} # check: as set on the motor"
    yield f"    mode: {motor.start.mode}"
    yield "    direction: 1 # check: -1 if the motor turns the other way"
    yield f"    zero: {_degrees(angles.zero)} # check: {angles.zero_check}"
    if angles.travel is not None:
        travel = f"{angles.travel * 1e3:g} mm"
        yield f"    travel: {travel} # check: of the slide per radian: the pinion's radius, or lead / 2 pi"
    yield f"    default_position: {_degrees(angles.default)} # check: {angles.default_check or pose}"
    yield f"    position_limits: {limits} # check: {angles.limits_check}"
    yield f"    velocity_limit: {motor.velocity:g} rad/s # check: from the datasheet"
    gravity = "" if drive is None else f"; gravity takes up to {drive.load.gravity:.2g} N*m over the range"
    yield f"    effort_limit: {motor.effort:g} N*m # check: from the datasheet{gravity}"
    yield f"    stiffness: {motor.stiffness:g} N*m/rad # check: start value; identify it"
    damping, why = (0.0, "") if drive is None else (drive.damping, drive.why)
    yield f"    damping: {damping:g} N*m*s/rad # check: start value, {why}; identify it"


def _feet(draft: Draft) -> Iterator[str]:
    if draft.feet:
        feet = ", ".join(draft.others[foot] for foot in draft.feet)
        yield f"feet: [{feet}] # check: the geoms at the ends of the legs, front before rear, left before right"


def _envelope(motor: Motor) -> Iterator[str]:
    low, high = motor.supply_range
    velocity_margin = max(3.0, two_digits(motor.velocity / 2.0))
    yield "safety:"
    yield "  watchdog: 100 ms"
    yield "  reading_age_max: 100 ms # check: a few ticks of the policy"
    yield "  communication_loss: 300 ms"
    yield "  missed_ticks_max: 20"
    yield f"  temperature_max: {motor.config.temperature_max - 5.0:g} degC # check: 5 K below the motor's own shutdown"
    yield f"  voltage_range: [{low:.4g} V, {high:.4g} V] # check: 20 % around nominal, within the motor's range"
    yield "  position_margin: 15 deg # check: fault at this distance beyond a position limit"
    yield f"  velocity_margin: {velocity_margin:g} rad/s # check: fault at this speed above a velocity limit"
    yield "ready:"
    yield "  speed: 1 rad/s # check: speed of the ramp to the start pose"
    yield "  tolerance: 10 deg # check: larger than the deflection by gravity"
    yield "  timeout: 10 s"


def _tip(draft: Draft, tip: Tip) -> Iterator[str]:
    guess = " # check: the point that moves with the most motors; `--tip` chooses another" if tip.guessed else ""
    yield "tip: # its links and position are the model's"
    yield f"  {'site' if tip.is_site else 'body'}: {draft.others[tip.name]}{guess}"
    yield "  links: # all frames are parallel to the base's when all joints are 0"
    for link in tip.links:
        yield f"    - joint: {draft.names[link.joint]}"
        yield f"      position: {_vector(link.position, 6, ' m')}"
        yield f"      axis: {_vector(link.axis, 9)}"
    yield f"  position: {_vector(tip.position, 6, ' m')}"


def _imu(body: str) -> Iterator[str]:
    protocol, *others = IMU_FAMILIES.names
    family = imu_family(protocol)
    choice = f" # check: or {', '.join(others)}" if others else ""
    yield "imus: # check: the base floats, and a policy that balances needs an IMU; remove this block if it has none"
    yield "  base:"
    yield f"    protocol: {protocol}{choice}"
    yield f"    baudrate: {family.start_baudrate} # check: as set in the unit"
    yield f"    rate: {family.rate_max:g} Hz # check: the highest of the protocol"
    yield "    port: /dev/ttyUSB9 # check: the adapter's device"
    yield f"    body: {body} # check: the body that carries the unit"
    yield "    mounting: [0 deg, 0 deg, 0 deg] # check: roll, pitch and yaw of the unit in the frame of the body"


def _vector(values: Float64Array, decimals: int, unit: str = "") -> str:
    """Return three numbers without trailing zeros; zero has no sign."""
    return f"[{', '.join(f'{round(float(value), decimals) + 0.0:.12g}{unit}' for value in values)}]"


def _degrees(angle: float) -> str:
    """Return degrees with at most four decimals; zero has no sign."""
    return f"{angle + 0.0:.4f}".rstrip("0").rstrip(".") + " deg"


def _scalar(text: str) -> str:
    """Return text as a YAML scalar on one line, quoted if necessary."""
    return yaml.dump(text, Dumper=CoreDumper, allow_unicode=True, width=float("inf")).splitlines()[0]
