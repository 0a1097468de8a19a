"""What an observation term is, and how one is declared.

A term runs on the robot as in simulation, so it comes from an installed package: the declaration is an entry point of
the group `sim2real.observation_terms`, under the name that a task gives. The contract names package and version, and a
robot without them refuses the policy.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, get_args

from sim2real.configs.plugins import PluginError
from sim2real.configs.schema.observation import OBSERVATION_TERMS, ObservationNeed
from sim2real.hardware.types import Float64Array
from sim2real.runtime.contract.mirror_part import Mirrored, check_parts
from sim2real.runtime.contract.signals import Float32Array, Signals
from sim2real.runtime.contract.signals import Sizes as Sizes

Reading = Literal["joint_position", "joint_velocity", "joint_effort", "angular_velocity", "orientation", "tip"]
"""Readings that a term is computed from; each has latency and noise of its own in simulation."""

_OF_IMUS: Final = ("angular_velocity", "orientation")


@dataclass(slots=True)
class Inputs:
    """Inputs of the terms in one tick of n robots."""

    signals: Signals
    last_action: Float32Array
    """(n, A)"""
    default: Float64Array
    """Default pose, (n, J), rad."""
    frequency: float
    """Hz, of the phase clock; 0 where there is none."""
    scratch: Float64Array
    """(n, K), for intermediate values of terms."""
    tip: Float64Array
    """(n, 3), m, in the frame of the base, from the joint positions; anything where no term needs it."""
    target: tuple[int, ...]
    """Columns of the operator commands of the tip's position, x y z; empty where no term needs them."""


TermFunction = Callable[[Inputs, Float64Array], None]
"""Writes the term's SI value for every row into `out`, (n, width); allocates nothing.

Only element-wise operations on contiguous arrays are allowed: they give the same bits for one row as for thousands,
reductions and matrix products do not. Of strided arrays only sums, differences and products, which IEEE 754 fixes to
the bit.
"""

Width = int | Callable[[Sizes], int]


@dataclass(frozen=True)
class ObservationTerm:
    """A declared observation term."""

    function: TermFunction
    width: Width
    readings: tuple[Reading, ...]
    """What it is computed from; nothing else need have been read."""
    needs: tuple[ObservationNeed, ...]
    mirror: Mirrored | None = None
    """How its values change in a mirror; None: nobody said."""

    def __call__(self, inputs: Inputs, out: Float64Array) -> None:
        """Write its SI value for every row into `out`, (n, width)."""
        self.function(inputs, out)

    def width_for(self, sizes: Sizes) -> int:
        """Return how many values it has in one tick."""
        return self.width if isinstance(self.width, int) else self.width(sizes)


def observation_term(
    *,
    width: Width,
    readings: tuple[Reading, ...] = (),
    needs: tuple[ObservationNeed, ...] = (),
    mirror: Mirrored | None = None,
) -> Callable[[TermFunction], ObservationTerm]:
    """Declare an observation term: `(inputs, out)`, see `TermFunction`.

    Args:
        width: Values in one tick; a number, or a function of the robot's and the task's `Sizes`.
        readings: What it is computed from. A task that observes nothing else of a reading need not simulate it.
        needs: What robot and task must have; an IMU where one of its readings is of an IMU.
        mirror: How its values change in a mirror, for learners that use the symmetry of a robot; see `MirrorPart`.

    Raises:
        ValueError: There is no such reading, need or part of a mirror.

    Example:
        >>> @observation_term(width=lambda of: of.joints, readings=("joint_position",))
        ... def joint_position(inputs: Inputs, out: Float64Array) -> None:
        ...     np.subtract(inputs.signals.joint_position, inputs.default, out=out)
    """
    for given, valid in ((readings, get_args(Reading)), (needs, get_args(ObservationNeed))):
        if wrong := [name for name in given if name not in valid]:
            raise ValueError(f"{wrong[0]!r} is not one of {', '.join(valid)}")
    check_parts(mirror)
    if set(readings) & set(_OF_IMUS) and "imu" not in needs:
        needs = ("imu", *needs)
    return lambda function: ObservationTerm(function, width, readings, needs, mirror)


def width_of(name: str, sizes: Sizes) -> int:
    """Return how many values an installed observation term has in one tick.

    Raises:
        ConfigError: There is no such term.
        PluginError: Its package is broken, or its width is no number of values.
    """
    term = find_term(name)
    width: object = OBSERVATION_TERMS.guarded(name, lambda: term.width_for(sizes), "failed to tell its width")
    if isinstance(width, int) and width >= 0:
        return width
    raise OBSERVATION_TERMS.wrong(name, f"has the width {width!r}; valid: a whole number")


def find_term(name: str) -> ObservationTerm:
    """Return the installed observation term of a name.

    Raises:
        ConfigError: There is none; lists the valid names.
        PluginError: Its package is broken, or gives something else.
    """
    term = OBSERVATION_TERMS[name]
    if not isinstance(term, ObservationTerm):
        raise PluginError(f"observation term {name!r}: is a {type(term).__name__}, declare it with @observation_term")
    return term
