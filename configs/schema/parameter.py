"""Schema of one randomised parameter: distribution, limits, and how it applies."""

from math import inf
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from sim2real.configs.schema.base import Config, MisplacedError
from sim2real.configs.schema.parameter_catalogue import PARAMETERS, Application, DeclaredParameter
from sim2real.configs.schema.part import PartName
from sim2real.configs.units import parse_quantity

ParameterName = Annotated[str, PartName(PARAMETERS)]
"""A parameter that this project or an installed package declares."""

Amount = float | Annotated[str, Field(max_length=64)]
"""A plain number, or text with a unit where the parameter has one."""

_AROUND: Final[dict[Application, float]] = {"scale": 1.0, "add": 0.0}
"""Ways in which an element can differ from a shared value, and the difference that is none."""

_STEPS: Final = 20  # steps from one limit to the other where no step is given


class ParameterConfig(Config):
    """One randomised parameter. Its value is drawn once per episode; each element draws its own within the same bounds.

    How the episode differs from the calibrated robot follows the curriculum of the experiment: `fixed` draws from
    `range`, `adr` and `doraemon` begin at the calibrated value and widen towards `limits`.
    """

    parameter: ParameterName
    """Name of the parameter: shipped, or from an installed package."""
    elements: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Names of the bodies, joints, geoms or supplies it applies to; by default all. The robot's own supply is `own`."""
    shared: bool = False
    """Draw one value for all elements instead of one each."""
    each: tuple[Amount, Amount] | None = None
    """With `shared`: how far each element differs from the shared value besides, uniform: a factor with `scale`, a sum
    with `add`. Errors of the whole robot and one bad joint are different things. No curriculum moves it."""
    apply: Application | None = None
    """`scale`: factor on the model's value; `add`: added to it; `set`: in its place. By default the parameter's first
    one."""
    distribution: Literal["uniform", "log_uniform", "normal", "categorical"] = "uniform"
    """`normal`: mean in the middle of the range, which is four standard deviations wide, clipped to the limits;
    `categorical`: one of `values`."""
    range: tuple[Amount, Amount] | None = None
    """Lowest and highest value, in the parameter's unit; plain factors with `scale`."""
    values: Annotated[tuple[Amount, ...], Field(min_length=1)] | None = None
    """Values of a categorical parameter, easiest first: a curriculum adds one after the other."""
    calibrated: Amount | None = None
    """Value without randomisation, at which a curriculum starts. By default 1 with `scale`, 0 with `add`, and with
    `set` the value within the limits that is closest to no effect."""
    limits: tuple[Amount, Amount] | None = None
    """Limits that no curriculum exceeds; by default the range."""
    step: Amount | None = None
    """Step of a boundary; by default a twentieth of the distance between the limits."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.apply is not None and self.apply not in self.declared.apply:
            valid = ", ".join(self.declared.apply)
            raise MisplacedError(("apply",), f"{self.apply!r} is not how {self.parameter} applies; valid: {valid}")
        categorical = self.distribution == "categorical"
        if categorical != (self.values is not None) or categorical == (self.range is not None):
            needed, other = ("values", "range") if categorical else ("range", "values")
            raise MisplacedError(("distribution",), f"{self.distribution!r} takes `{needed}` and no `{other}`")
        for key in ("range", "values", "limits", "calibrated", "step", "each"):
            self._check_amounts(key)
        self._check_each()
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
        least, most = {"scale": (0.0, inf), "add": (-inf, inf), "set": self.declared.limits}[self.application]
        if not least <= lowest <= highest <= most:
            raise MisplacedError(
                ("range",), f"{self.parameter} goes from {least:g} to {most:g}, not from {lowest:g} to {highest:g}"
            )
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
        if self.unit is not None:
            return parse_quantity(amount, self.unit)
        if isinstance(amount, str):
            raise ValueError(f"{amount!r} is text; {self.parameter} takes a plain number here")
        return amount

    def _check_each(self) -> None:
        if self.each is None:
            return
        if not self.shared:
            raise MisplacedError(("each",), "needs `shared: true`: it is what elements differ by from a shared value")
        if self.application not in _AROUND:
            raise MisplacedError(("each",), f"needs {' or '.join(_AROUND)}, not {self.application}")
        low, high = self.individual
        neutral = _AROUND[self.application]
        if not low <= neutral <= high:
            raise MisplacedError(("each",), f"must be ordered and hold {neutral:g}, no difference")
        if self.application == "scale" and not low >= 0.0:
            raise MisplacedError(("each",), f"a factor is never negative, not {low:g}")

    @property
    def declared(self) -> DeclaredParameter:
        """What the parameter is, before it is randomised."""
        return PARAMETERS[self.parameter]

    @property
    def application(self) -> Application:
        """How it applies."""
        return self.apply or self.declared.apply[0]

    @property
    def unit(self) -> str | None:
        """SI unit of its values here; None: plain numbers."""
        return None if self.application == "scale" else self.declared.unit

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
    def individual(self) -> tuple[float, float]:
        """Lowest and highest difference of an element from the shared value, SI; neutral twice if there is none."""
        if self.each is None:
            return (_AROUND.get(self.application, 0.0),) * 2
        return self._si(self.each[0]), self._si(self.each[1])

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
        neutral = {"scale": 1.0, "add": 0.0, "set": self.declared.neutral}[self.application]
        return min(max(neutral, low), high)

    @property
    def step_size(self) -> float:
        """How far a boundary moves at a time, SI."""
        low, high = self.hard_limits
        return (high - low) / _STEPS if self.step is None else self._si(self.step)
