"""The goal of a run, as data: one class for each kind."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, SerializerFunctionWrapHandler, Tag, model_serializer

from sim2real.configs.schema.goal import GoalConfig
from sim2real.runtime.contract.part import Angle, Name, Part, Seconds, Tolerance


class JointGoal(Part):
    """A joint is at a position."""

    kind: Literal["joint"] = "joint"
    joint: Name
    position: Angle
    """rad"""
    tolerance: Tolerance
    """rad"""
    wrap: bool
    """Whether full turns count as the same position."""
    hold: Seconds
    """s at the end of the run."""

    @model_serializer(mode="wrap")
    def _omit_kind(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave the kind out: earlier contracts had only this one, and their digests must not change."""
        return {key: value for key, value in handler(self).items() if key != "kind"}


class UprightGoal(Part):
    """The body of the first IMU is upright."""

    kind: Literal["upright"]
    tolerance: Tolerance
    """Tilt, rad."""
    hold: Seconds
    """s at the end of the run."""


class TipGoal(Part):
    """The tip is at the position that the operator commands."""

    kind: Literal["tip"]
    distance: Tolerance
    """m"""
    hold: Seconds
    """s at the end of the run."""


class FinishGoal(Part):
    """The run ends without a fault."""

    kind: Literal["finish"]


def _kind_of(value: Any) -> Any:  # noqa: ANN401 - whatever a file holds
    """Return the kind of a goal; `joint` if it has none."""
    return value.get("kind", "joint") if isinstance(value, dict) else getattr(value, "kind", None)


GoalSpec = Annotated[
    Annotated[JointGoal, Tag("joint")]
    | Annotated[UprightGoal, Tag("upright")]
    | Annotated[TipGoal, Tag("tip")]
    | Annotated[FinishGoal, Tag("finish")],
    Discriminator(_kind_of),
]

_KINDS: dict[str, type[JointGoal | UprightGoal | TipGoal | FinishGoal]] = {
    "joint": JointGoal,
    "upright": UprightGoal,
    "tip": TipGoal,
    "finish": FinishGoal,
}


def goal_spec(goal: GoalConfig) -> GoalSpec:
    """Return a task's goal as the contract has it."""
    kind = _KINDS[goal.kind]
    return kind(**{key: value for key, value in goal.model_dump().items() if key in kind.model_fields})
