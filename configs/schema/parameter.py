"""Schema of one randomised parameter: where it starts, how far it may go, in which steps, and how it applies."""

from dataclasses import dataclass
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from sim2real.configs.schema.base import Config, MisplacedError
from sim2real.configs.units import parse_quantity

Application = Literal["scale", "add", "set"]

ParameterName = Literal[
    "body_mass",
    "center_of_mass",
    "payload",
    "joint_armature",
    "joint_friction",
    "joint_damping",
    "joint_limits",
    "joint_offset",
    "backlash",
    "motor_resistance",
    "motor_constant",
    "motor_heating",
    "torque_limit",
    "controller_stiffness",
    "controller_damping",
    "supply_voltage",
    "supply_resistance",
    "gravity",
    "gravity_vector",
    "ground_friction",
    "ground_stiffness",
    "ground_slope",
    "terrain_roughness",
    "action_latency",
    "joint_latency",
    "imu_latency",
    "tip_latency",
    "joint_interval",
    "imu_interval",
    "period_jitter",
    "action_loss",
    "reading_loss",
    "joint_position_gain",
    "joint_position_bias",
    "joint_position_white",
    "joint_velocity_gain",
    "joint_velocity_bias",
    "joint_velocity_white",
    "joint_effort_gain",
    "joint_effort_bias",
    "joint_effort_white",
    "angular_velocity_bias",
    "angular_velocity_white",
    "orientation_bias",
    "orientation_white",
    "tip_bias",
    "tip_white",
    "action_gain",
    "action_bias",
    "action_white",
    "push_speed",
    "push_interval",
    "wrench_acceleration",
    "adversary_share",
    "command_scale",
]
"""Parameters that `sim2real.randomization` applies; a test keeps the two in step."""


@dataclass(frozen=True)
class ParameterTraits:
    """What a parameter is, before anybody randomises it."""

    dimension: str | None
    """SI unit of the value itself; None: a plain number. A factor (`scale`) is a plain number always."""
    apply: tuple[Application, ...]
    """How it can apply; the first is the default."""
    neutral: float = 0.0
    """Value, where it is set, that means nothing happens."""


_FACTOR: Final[tuple[Application, ...]] = ("scale", "set", "add")
_SET: Final[tuple[Application, ...]] = ("set",)
_ADD: Final[tuple[Application, ...]] = ("add",)
_SCALE: Final[tuple[Application, ...]] = ("scale",)

TRAITS: Final[dict[ParameterName, ParameterTraits]] = {
    "body_mass": ParameterTraits("kg", _SCALE),
    "center_of_mass": ParameterTraits("m", _ADD),
    "payload": ParameterTraits("kg", _SET),
    "joint_armature": ParameterTraits("kg*m^2", _FACTOR),
    "joint_friction": ParameterTraits("N*m", _FACTOR),
    "joint_damping": ParameterTraits("N*m*s/rad", _FACTOR),
    "joint_limits": ParameterTraits("rad", _ADD),
    "joint_offset": ParameterTraits("rad", _ADD),
    "backlash": ParameterTraits("rad", _SET),
    "motor_resistance": ParameterTraits("ohm", _FACTOR),
    "motor_constant": ParameterTraits(None, _SCALE),
    "motor_heating": ParameterTraits("K", _SET),
    "torque_limit": ParameterTraits("N*m", _SCALE),
    "controller_stiffness": ParameterTraits("N*m/rad", _FACTOR),
    "controller_damping": ParameterTraits("N*m*s/rad", _FACTOR),
    "supply_voltage": ParameterTraits("V", _FACTOR),
    "supply_resistance": ParameterTraits("ohm", _SET),
    "gravity": ParameterTraits(None, _SCALE),
    "gravity_vector": ParameterTraits("m/s^2", _ADD),
    "ground_friction": ParameterTraits(None, _FACTOR),
    "ground_stiffness": ParameterTraits(None, _SCALE),
    "ground_slope": ParameterTraits("rad", _SET),
    "terrain_roughness": ParameterTraits("m", _SET),
    "action_latency": ParameterTraits("s", _SET),
    "joint_latency": ParameterTraits("s", _SET),
    "imu_latency": ParameterTraits("s", _SET),
    "tip_latency": ParameterTraits("s", _SET),
    "joint_interval": ParameterTraits("s", _SET),
    "imu_interval": ParameterTraits("s", _SET),
    "period_jitter": ParameterTraits(None, _SET),
    "action_loss": ParameterTraits(None, _SET),
    "reading_loss": ParameterTraits(None, _SET),
    "joint_position_gain": ParameterTraits(None, _SET),
    "joint_position_bias": ParameterTraits("rad", _SET),
    "joint_position_white": ParameterTraits("rad", _SET),
    "joint_velocity_gain": ParameterTraits(None, _SET),
    "joint_velocity_bias": ParameterTraits("rad/s", _SET),
    "joint_velocity_white": ParameterTraits("rad/s", _SET),
    "joint_effort_gain": ParameterTraits(None, _SET),
    "joint_effort_bias": ParameterTraits("N*m", _SET),
    "joint_effort_white": ParameterTraits("N*m", _SET),
    "angular_velocity_bias": ParameterTraits("rad/s", _SET),
    "angular_velocity_white": ParameterTraits("rad/s", _SET),
    "orientation_bias": ParameterTraits("rad", _SET),
    "orientation_white": ParameterTraits("rad", _SET),
    "tip_bias": ParameterTraits("m", _SET),
    "tip_white": ParameterTraits("m", _SET),
    "action_gain": ParameterTraits(None, _SET),
    "action_bias": ParameterTraits(None, _SET),
    "action_white": ParameterTraits(None, _SET),
    "push_speed": ParameterTraits("m/s", _SET),
    "push_interval": ParameterTraits("s", _SET, neutral=10.0),
    "wrench_acceleration": ParameterTraits("m/s^2", _SET),
    "adversary_share": ParameterTraits(None, _SET),
    "command_scale": ParameterTraits(None, _SET, neutral=1.0),
}

Amount = float | Annotated[str, Field(max_length=64)]
"""A plain number, or text with a unit where the parameter has one."""

_STEPS: Final = 20  # steps from one limit to the other where no step is given


class ParameterConfig(Config):
    """One randomised parameter. Its value is drawn once per episode; each element draws its own within the same bounds.

    How the episode differs from the calibrated robot follows the curriculum of the experiment: `fixed` draws from
    `range`, `adr` and `doraemon` begin at the calibrated value and widen towards `limits`.
    """

    parameter: ParameterName
    elements: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Names of the bodies, joints or geoms it applies to; all when left out."""
    shared: bool = False
    """Draw one value for all elements instead of one each."""
    apply: Application | None = None
    """scale: a factor on the model's own value; add: added to it; set: in its place. What the parameter is made for
    when left out."""
    distribution: Literal["uniform", "log_uniform", "normal", "categorical"] = "uniform"
    """normal: mean in the middle of the range, which is four standard deviations wide, and never beyond the limits;
    categorical: one of `values`."""
    range: tuple[Amount, Amount] | None = None
    """Lowest and highest value."""
    values: Annotated[tuple[Amount, ...], Field(min_length=1)] | None = None
    """What a categorical parameter chooses from, in order of difficulty: a curriculum opens one after the other."""
    calibrated: Amount | None = None
    """The value without randomisation: where a curriculum starts. When left out: factor 1, addition 0, and for what is
    set the value of the range that is nearest to no effect."""
    limits: tuple[Amount, Amount] | None = None
    """Hard limits that no curriculum passes; the range when left out."""
    step: Amount | None = None
    """How far a boundary moves at a time; a twentieth of the limits when left out."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        traits = TRAITS[self.parameter]
        if self.apply is not None and self.apply not in traits.apply:
            raise MisplacedError(
                ("apply",), f"{self.apply!r} is not how {self.parameter} applies; valid: {', '.join(traits.apply)}"
            )
        categorical = self.distribution == "categorical"
        if categorical != (self.values is not None) or categorical == (self.range is not None):
            needed, other = ("values", "range") if categorical else ("range", "values")
            raise MisplacedError(("distribution",), f"{self.distribution!r} takes `{needed}` and no `{other}`")
        for key in ("range", "values", "limits", "calibrated", "step"):
            self._check_amounts(key)
        low, high = self.bounds
        if not low <= high:
            raise MisplacedError(("range",), "must be ordered, low before high")
        lowest, highest = self.hard_limits
        if not lowest <= low <= high <= highest:
            raise MisplacedError(
                ("limits",), f"must be ordered and hold the range; valid: from {low:g} and to {high:g}"
            )
        if not lowest <= self.calibration <= highest:
            raise MisplacedError(
                ("calibrated",), f"{self.calibration:g} is outside the limits; valid: {lowest:g} to {highest:g}"
            )
        if self.distribution == "log_uniform" and not lowest > 0.0:
            raise MisplacedError(("range",), f"log_uniform needs values above 0, not {lowest:g}")
        if self.application == "scale" and not lowest >= 0.0:
            raise MisplacedError(("range",), f"a factor must not be negative, not {lowest:g}")
        if not self.step_size >= 0.0:
            raise MisplacedError(("step",), f"must not be negative, not {self.step_size:g}")
        return self

    def _check_amounts(self, key: str) -> None:
        given = getattr(self, key)
        several = isinstance(given, tuple)
        for index, amount in enumerate(given if several else () if given is None else (given,)):
            try:
                self._si(amount)
            except ValueError as error:
                raise MisplacedError((key, index) if several else (key,), str(error)) from error

    def _si(self, amount: Amount) -> float:
        dimension = None if self.application == "scale" else TRAITS[self.parameter].dimension
        if dimension is not None:
            return parse_quantity(amount, dimension)
        if isinstance(amount, str):
            raise ValueError(f"{amount!r} is text; {self.parameter} takes a plain number here")
        return amount

    @property
    def application(self) -> Application:
        """How it applies."""
        return self.apply or TRAITS[self.parameter].apply[0]

    @property
    def choices(self) -> tuple[float, ...]:
        """SI values that a categorical parameter chooses from; empty for others."""
        return tuple(self._si(value) for value in self.values or ())

    @property
    def bounds(self) -> tuple[float, float]:
        """Lowest and highest value, SI."""
        if self.range is None:
            return min(self.choices), max(self.choices)
        return self._si(self.range[0]), self._si(self.range[1])

    @property
    def hard_limits(self) -> tuple[float, float]:
        """SI values that no curriculum passes."""
        return self.bounds if self.limits is None else (self._si(self.limits[0]), self._si(self.limits[1]))

    @property
    def calibration(self) -> float:
        """SI value without randomisation."""
        if self.calibrated is not None:
            return self._si(self.calibrated)
        low, high = self.hard_limits
        neutral = {"scale": 1.0, "add": 0.0, "set": TRAITS[self.parameter].neutral}[self.application]
        return min(max(neutral, low), high)

    @property
    def step_size(self) -> float:
        """How far a boundary moves at a time, SI."""
        low, high = self.hard_limits
        return (high - low) / _STEPS if self.step is None else self._si(self.step)
