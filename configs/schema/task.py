"""Schema of a task: what the policy sees, what it commands, and what it is trained for."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from configs.schema.base import Config, MisplacedError, Name, Reference
from configs.schema.quantity import Angle, AngularVelocity, Duration, NonNegative, Positive, Rate
from configs.schema.robot import RobotConfig

ObservationTermName = Literal[
    "joint_position",
    "joint_position_sin",
    "joint_position_cos",
    "joint_velocity",
    "joint_effort",
    "last_action",
    "gyro",
    "projected_gravity",
    "command",
    "phase",
]
"""Terms that `runtime.contract.observation` computes; a test keeps the two in step."""

RewardTermName = Literal[
    "alive", "goal_cosine", "goal_still", "joint_velocity", "effort", "action_rate", "position_excess"
]
"""Terms that `sim2real.terms` computes; a test keeps the two in step."""

TerminationTermName = Literal["position_limits"]
"""Terms that `sim2real.terms` computes; a test keeps the two in step."""


class ObservationTermConfig(Config):
    """One block of the observation vector."""

    term: ObservationTermName
    scale: float = 1.0
    """Factor that brings the SI value to about unit size."""
    clip: Annotated[float, Positive] | None = None
    """Bound of the scaled value, both ways."""
    history: Annotated[int, Field(ge=1, le=64)] = 1
    """How many ticks the block holds, oldest first."""


class CommandConfig(Config):
    """One number that an operator gives the policy, such as a velocity to walk at."""

    range: tuple[float, float]
    """Lowest and highest value, in an SI unit; every episode in simulation draws one from it."""
    default: float = 0.0
    """Value as long as nobody gives another."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        low, high = self.range
        if not low <= high:
            raise MisplacedError(("range",), "must be ordered, low before high")
        if not low <= self.default <= high:
            raise MisplacedError(("default",), f"{self.default} is outside range; valid: {low} to {high}")
        return self


class EffortActionConfig(Config):
    """The policy commands joint effort: action 1 is `fraction` of the joint's effort limit."""

    target: Literal["effort"]
    fraction: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    smoothing: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """First-order filter on the action: share of the previous value that is kept each tick."""


class PositionActionConfig(Config):
    """The policy commands joint position: default position plus `scale` times the action."""

    target: Literal["position"]
    scale: Annotated[Angle, Positive]
    smoothing: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """First-order filter on the action: share of the previous value that is kept each tick."""


ActionConfig = Annotated[EffortActionConfig | PositionActionConfig, Field(discriminator="target")]


class GoalConfig(Config):
    """The verdict of a run, decided from joint positions alone, in simulation and on the robot alike."""

    joint: Name
    position: Angle
    tolerance: Annotated[Angle, Positive]
    wrap: bool = False
    """Whether full turns count as the same position."""
    hold: Annotated[Duration, Positive]
    """The joint must be within tolerance for this last part of the run."""


class RewardTermConfig(Config):
    """One term of the reward: weight times the term, per second of simulated time."""

    term: RewardTermName
    weight: float
    scale: Annotated[float, Positive] = 1.0
    """Width or unit of the term, in the SI unit its docstring names."""


class ResetConfig(Config):
    """Start of an episode: every joint's position and velocity drawn uniformly from these ranges."""

    start_pose_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """Share of episodes that begin as runs on the robot do: at rest, in the start pose within its tolerance."""

    around: Literal["zero", "default"] = "zero"
    """What `position` counts from: the joints' zero, or their default position."""
    position: tuple[Angle, Angle]
    velocity: tuple[AngularVelocity, AngularVelocity]


class PhysicsConfig(Config):
    """Settings of the simulator."""

    timestep: Annotated[Duration, Positive]
    integrator: Literal["implicitfast", "implicit", "Euler", "RK4"] = "implicitfast"


class TaskConfig(Config):
    """One task of one robot."""

    name: Name
    description: str = ""
    robot: Annotated[RobotConfig, Reference("robots")]
    control_rate: Annotated[Rate, Field(gt=0.0, le=2000.0)]
    episode_duration: Annotated[Duration, Positive]
    physics: PhysicsConfig
    observation: tuple[ObservationTermConfig, ...] = Field(min_length=1)
    commands: dict[Name, CommandConfig] = Field(default_factory=dict)
    """What the observation term `command` shows, in this order."""
    phase_frequency: Annotated[Rate, Positive] | None = None
    """Of the clock that the observation term `phase` shows."""
    action: ActionConfig
    reset: ResetConfig
    rewards: tuple[RewardTermConfig, ...] = Field(min_length=1)
    terminations: tuple[TerminationTermName, ...] = ()
    termination_penalty: Annotated[float, NonNegative] = 0.0
    """Reward subtracted when an episode terminates."""
    goal: GoalConfig

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.goal.joint not in self.robot.joints:
            raise MisplacedError(
                ("goal", "joint"), f"no joint {self.goal.joint!r}; valid: {', '.join(self.robot.joints)}"
            )
        steps = 1.0 / (self.control_rate * self.physics.timestep)
        if not (steps >= 0.999 and abs(steps - round(steps)) < 1e-6):
            raise MisplacedError(
                ("control_rate",), f"the control period must be a whole number of physics timesteps, not {steps:.6g}"
            )
        terms = [entry.term for entry in self.observation]
        for index, term in enumerate(terms):
            if term in terms[:index]:
                raise MisplacedError(
                    ("observation", index, "term"), f"{term!r} is given twice; use history for past ticks"
                )
            self._check_source(index, term)
        modes = {name: joint.mode for name, joint in self.robot.joints.items()}
        needed = ("current",) if self.action.target == "effort" else ("position", "impedance")
        wrong = [name for name, mode in modes.items() if mode not in needed]
        if wrong:
            raise MisplacedError(
                ("action", "target"),
                f"{self.action.target!r} needs joints in mode {' or '.join(needed)}; not so: {', '.join(wrong)}",
            )
        return self

    def _check_source(self, index: int, term: ObservationTermName) -> None:
        """Refuse a term that nothing stands behind."""
        missing = {
            "gyro": "" if self.robot.imus else f"an IMU, and robot {self.robot.name!r} has none",
            "projected_gravity": "" if self.robot.imus else f"an IMU, and robot {self.robot.name!r} has none",
            "command": "" if self.commands else "`commands` with at least one entry",
            "phase": "" if self.phase_frequency is not None else "`phase_frequency`",
        }.get(term, "")
        if missing:
            raise MisplacedError(("observation", index, "term"), f"{term!r} needs {missing}")

    @property
    def decimation(self) -> int:
        """Physics steps per control step."""
        return round(1.0 / (self.control_rate * self.physics.timestep))
