"""The shipped rewards: pure functions of the batched state, chosen and weighted by the task YAML."""

import numpy as np

from sim2real.configs.schema.command import VELOCITY_COMMANDS
from sim2real.hardware.types import Float64Array
from sim2real.task.declaration import reward
from sim2real.task.state import TaskConstants, TaskState, commanded, pose_error

# s; `goal_still` adds joint velocity times this to the distance from the goal.
_STILL_HORIZON = 0.1
_GRAVITY = 9.81


@reward()
def alive(state: TaskState, _constants: TaskConstants, _scale: float) -> Float64Array:
    """One, as long as the episode lasts."""
    return np.ones(len(state.position))


@reward()
def goal_cosine(state: TaskState, _constants: TaskConstants, _scale: float) -> Float64Array:
    """Cosine of the distance from the goal: 1 at the goal, -1 half a turn away. Scale is not used."""
    cosine: Float64Array = np.cos(state.goal_error)
    return cosine


@reward()
def goal_still(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """exp(-(error² + (0.1 s · speed)²) / scale²): 1 at rest at the goal; speed is that of all joints; scale in rad."""
    distance = np.square(state.goal_error) + _STILL_HORIZON**2 * _sum_of_squares(state.velocity)
    still: Float64Array = np.exp(distance / -(scale**2))
    return still


@reward()
def joint_velocity(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """Sum of (velocity / scale)² over the joints; scale in rad/s."""
    return _sum_of_squares(state.velocity) / scale**2


@reward()
def joint_acceleration(state: TaskState, constants: TaskConstants, scale: float) -> Float64Array:
    """Sum of (acceleration / scale)² over the joints, from one control step to the next; scale in rad/s²."""
    return _sum_of_squares(state.velocity - state.previous_velocity) * (constants.control_rate / scale) ** 2


@reward(needs=("effort",))
def effort(state: TaskState, constants: TaskConstants, scale: float) -> Float64Array:
    """Sum of (effort / effort limit / scale)² over the joints."""
    return _sum_of_squares(state.effort / constants.effort_max) / scale**2


@reward(needs=("effort",))
def mechanical_power(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """Sum of |effort · velocity| / scale over the joints; scale in W. What a joint takes in while it brakes counts."""
    power: Float64Array = np.abs(state.effort * state.velocity).sum(axis=1) / scale
    return power


@reward()
def joint_speed(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """Speed of the fastest joint / scale; scale in rad/s."""
    fastest: Float64Array = np.abs(state.velocity).max(axis=1) / scale
    return fastest


@reward(needs=("effort",))
def temperature_rise(state: TaskState, constants: TaskConstants, scale: float) -> Float64Array:
    """How much hotter than the air the hottest motor would get with the efforts of now, K / scale.

    Its winding turns R·(effort / K)² into heat, which leaves it through the thermal resistance of the motor's YAML.
    That R grows with the temperature is left out. A motor warms up in minutes, and its rise is then the mean
    of its own heat: with a budget in K for this term no motor gets hotter.
    """
    hottest: Float64Array = (np.square(state.effort) * constants.heat_rise).max(axis=1) / scale
    return hottest


@reward(needs=("contact",))
def contact_force(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """Largest net force of all contacts on one body of the robot / scale; scale in N.

    A foot's is what it presses on the ground with; self-contacts count. It is that of the last physics step of the
    control step: an impact that is over by then is not seen.
    """
    largest: Float64Array = state.contact_force.max(axis=1, initial=0.0) / scale
    return largest


@reward()
def action_rate(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """Sum of (change of action / scale)² over the joints."""
    return _sum_of_squares(np.subtract(state.action, state.previous_action, dtype=np.float64)) / scale**2


@reward()
def position_excess(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """Sum over the joints of how far they are beyond ±scale, rad."""
    beyond: Float64Array = np.maximum(np.abs(state.position) - scale, 0.0).sum(axis=1)
    return beyond


@reward()
def pose_deviation(state: TaskState, constants: TaskConstants, scale: float) -> Float64Array:
    """Sum of (distance from the default pose / scale)² over the joints; scale in rad."""
    return _sum_of_squares(state.position - constants.default) / scale**2


@reward(needs=("pose",))
def pose_tracking(state: TaskState, constants: TaskConstants, scale: float) -> Float64Array:
    """Mean of 1 / (1 + (distance / scale)²) over the joints with a command of their name; scale in rad."""
    near: Float64Array = (1.0 / (1.0 + np.square(pose_error(state, constants) / scale))).mean(axis=1)
    return near


@reward(needs=("base",), commands=VELOCITY_COMMANDS)
def velocity_tracking(state: TaskState, constants: TaskConstants, scale: float) -> Float64Array:
    """exp(-|v - command|² / scale²) along the ground; scale in m/s."""
    error = state.base.velocity[:, :2] - commanded(state, constants, "forward", "left")
    return _bell(_sum_of_squares(error), scale)


@reward(needs=("base",), commands=VELOCITY_COMMANDS)
def yaw_rate_tracking(state: TaskState, constants: TaskConstants, scale: float) -> Float64Array:
    """exp(-(yaw rate - command)² / scale²); scale in rad/s."""
    return _bell(np.square(state.base.yaw_rate - commanded(state, constants, "turn")[:, 0]), scale)


@reward(needs=("base",))
def upright(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """Square of gravity's direction along the body's x and y, together, / scale²: 0 upright, 1 on the side."""
    return _sum_of_squares(state.base.down[:, :2]) / scale**2


@reward(needs=("base",))
def righted(state: TaskState, _constants: TaskConstants, _scale: float) -> Float64Array:
    """1 with the body's z axis up, 0 with it down; scale is not used."""
    share: Float64Array = 0.5 - 0.5 * state.base.down[:, 2]
    return share


@reward(needs=("base",))
def vertical_velocity(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """(Vertical velocity / scale)²; scale in m/s."""
    return np.square(state.base.velocity[:, 2] / scale)


@reward(needs=("base",))
def roll_pitch_rate(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """Sum of (angular velocity about the body's x and y / scale)²; scale in rad/s."""
    return _sum_of_squares(state.base.angular_velocity[:, :2]) / scale**2


@reward(needs=("base",))
def base_height(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """(Height of the base above the ground - scale)², m²; scale is the height it should have, m."""
    return np.square(state.base.height - scale)


@reward(needs=("base", "feet", "gait"))
def gait_tracking(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """exp(-Σ (height - target)² / (2 scale²)) over the feet; scale in m."""
    feet = state.feet
    return _bell(_sum_of_squares(feet.height - feet.target), scale * 2.0**0.5)


@reward(needs=("base", "feet", "gait"))
def foot_slip(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """Sum of (speed / scale)² over the feet that the gait has on the ground; scale in m/s."""
    feet = state.feet
    return _sum_of_squares(feet.speed * (feet.target <= 0.0)) / scale**2


@reward(needs=("tip",))
def tip_distance(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """Distance of the tip from where it should be / scale; scale in m."""
    return np.sqrt(_sum_of_squares(state.tip_offset)) / scale


@reward(needs=("tip",))
def tip_near(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """1 / (1 + (distance / scale)²): steep near the target, and still felt far from it; scale in m."""
    return 1.0 / (1.0 + _sum_of_squares(state.tip_offset) / scale**2)


@reward(needs=("tip",))
def tip_speed(state: TaskState, _constants: TaskConstants, scale: float) -> Float64Array:
    """(Speed of the tip / scale)²; scale in m/s."""
    return _sum_of_squares(state.tip_velocity) / scale**2


@reward(needs=("rail",), commands=("height",))
def hop_tracking(state: TaskState, constants: TaskConstants, scale: float) -> Float64Array:
    """exp(-(apex - command)² / scale²), the apex of a flight from the present height and speed; scale in m."""
    apex = state.rail_height + np.square(state.rail_velocity) / (2.0 * _GRAVITY)
    return _bell(np.square(apex - commanded(state, constants, "height")[:, 0]), scale)


@reward(needs=("travel",), commands=("forward",))
def travel_tracking(state: TaskState, constants: TaskConstants, scale: float) -> Float64Array:
    """exp(-(v - command)² / scale²) of a robot that travels on a boom; scale in m/s."""
    return _bell(np.square(state.travel_velocity - commanded(state, constants, "forward")[:, 0]), scale)


def _bell(square: Float64Array, width: float) -> Float64Array:
    bell: Float64Array = np.exp(square / -(width**2))
    return bell


def _sum_of_squares(values: Float64Array) -> Float64Array:
    """Sum of squares of every row, (n, J) to (n,)."""
    sums: Float64Array = np.einsum("ij,ij->i", values, values)
    return sums
