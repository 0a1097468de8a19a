"""Schema of the events of a scenario: what the operator does, and what happens around the robot and its computer."""

from typing import Annotated, Literal

from pydantic import Field

from sim2real.configs.schema.base import Config, Name
from sim2real.configs.schema.quantity import Duration, NonNegative, Positive


class OperatorEventConfig(Config):
    """The operator presses a button."""

    kind: Literal["emergency_stop", "stop", "reset", "start"]
    """`emergency_stop`: torque off, latched; `stop`: the end of the run, in order; `reset`: the cause of a fault or an
    emergency stop is removed, the robot is LIMP again; `start`: torque on in LIMP."""
    at: Annotated[Duration, NonNegative]
    """Time since the policy first ran."""


class PushEventConfig(Config):
    """A force on a body of the robot. Needs a plant with bodies: mujoco."""

    kind: Literal["push"]
    """Kind of event."""
    at: Annotated[Duration, NonNegative]
    """Time since the policy first ran."""
    duration: Annotated[Duration, Positive] = 0.1
    """How long the force acts."""
    body: Name
    """Name of the body in the model; the force acts at its centre of mass."""
    force: tuple[float, float, float]
    """Force in the world's frame, N."""


class SlowMachineEventConfig(Config):
    """The computer has no time for the loop: each tick takes longer."""

    kind: Literal["slow_machine"]
    """Kind of event."""
    at: Annotated[Duration, NonNegative]
    """Time since the policy first ran."""
    duration: Annotated[Duration, Positive] | None = None
    """How long this lasts; by default until the end of the run."""
    delay: Annotated[Duration, Positive]
    """Additional time of each tick."""


class PolicyEventConfig(Config):
    """The policy fails."""

    kind: Literal["policy_nan", "policy_raises", "policy_saturates"]
    """`policy_nan`: its actions are not numbers; `policy_raises`: it raises an exception; `policy_saturates`: its
    actions are 1000."""
    at: Annotated[Duration, NonNegative]
    """Time since the policy first ran."""
    duration: Annotated[Duration, Positive] | None = None
    """How long this lasts; by default until the end of the run."""


EventConfig = Annotated[
    OperatorEventConfig | PushEventConfig | SlowMachineEventConfig | PolicyEventConfig, Field(discriminator="kind")
]
