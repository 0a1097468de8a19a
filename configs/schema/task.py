"""Schema of a task: what the policy sees, what it commands, and what it is trained for."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim2real.configs.schema.base import Config, MisplacedError, Name, Reference
from sim2real.configs.schema.command import TIP_COMMANDS, CommandConfig, CommandSourceConfig, UniformCommandsConfig
from sim2real.configs.schema.goal import GoalConfig
from sim2real.configs.schema.module import Module
from sim2real.configs.schema.observation import OBSERVATION_TERMS, ObservationNeed, ObservationTermConfig
from sim2real.configs.schema.quantity import Angle, AngularVelocity, Duration, Length, NonNegative, Positive, Rate
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.term_name import MetricName, PrivilegedName, RewardName, TerminationName


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
    scales: dict[Name, Annotated[Angle, Positive]] = Field(default_factory=dict)
    """Of joints whose scale is another."""
    relative: bool = False
    """Move the last target by `scale` times the action instead, so that actions are speeds; every run begins at the
    default position."""
    smoothing: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """First-order filter on the action: share of the previous value that is kept each tick."""


ActionConfig = Annotated[EffortActionConfig | PositionActionConfig, Field(discriminator="target")]


class RewardTermConfig(Config):
    """One term of the reward: weight times the term, per second of simulated time."""

    term: RewardName
    weight: float
    scale: Annotated[float, Positive] = 1.0
    """Width or unit of the term, in the SI unit its docstring names."""


class PerformanceConfig(Config):
    """How well an episode went, in [0, 1]: mean of a reward term over the whole time limit, nothing after a fall."""

    term: RewardName
    scale: Annotated[float, Positive] = 1.0


class TerminationConfig(Config):
    """One condition that ends an episode for good."""

    term: TerminationName
    limit: float = 0.0
    """In the SI unit its docstring names."""


class GaitConfig(Config):
    """When each foot is in the air, by the clock of `phase_frequency`."""

    lift: Annotated[Length, Positive]
    """Height of the foot in the middle of its swing."""
    offsets: dict[Name, Annotated[float, Field(ge=0.0, lt=1.0)]]
    """Part of the cycle by which each of the robot's feet is late."""
    swing: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.5
    """Part of the cycle that a foot is in the air."""


class ResetConfig(Config):
    """Start of an episode: every joint's position and velocity drawn uniformly from these ranges."""

    start_pose_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """Share of episodes that begin as runs on the robot do: at rest, in the start pose within its tolerance."""

    around: Literal["zero", "default"] = "zero"
    """What `position` counts from: the joints' zero, or their default position."""
    position: tuple[Angle, Angle]
    velocity: tuple[AngularVelocity, AngularVelocity]
    lying_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """Share of episodes in which a free base begins in any attitude, a little above the ground."""


class PhysicsConfig(Config):
    """Settings of the simulator."""

    timestep: Annotated[Duration, Positive]
    integrator: Literal["implicitfast", "implicit", "Euler", "RK4"] = "implicitfast"
    friction: Literal["coulomb", "lugre"] = "coulomb"
    """Model of the friction in the gears: dry friction that the solver holds exactly, or bristles that bend (LuGre)."""


class TaskConfig(Config):
    """One task of one robot."""

    name: Name
    description: str = ""
    modules: tuple[Module, ...] = ()
    """Where the terms come from that are not shipped: rewards, ends, metrics, privileged terms, command sources."""
    robot: Annotated[RobotConfig, Reference("robots")]
    control_rate: Annotated[Rate, Field(gt=0.0, le=2000.0)]
    episode_duration: Annotated[Duration, Positive]
    physics: PhysicsConfig
    observation: tuple[ObservationTermConfig, ...] = Field(min_length=1)
    privileged: tuple[PrivilegedName, ...] = ()
    """What a critic sees of the simulation beside the observation; no policy does."""
    commands: dict[Name, CommandConfig] = Field(default_factory=dict)
    """What the observation term `command` shows, in this order."""
    command_source: CommandSourceConfig = UniformCommandsConfig()
    """Where commands come from in simulation."""
    phase_frequency: Annotated[Rate, Positive] | None = None
    """Of the clock that the observation term `phase` shows."""
    gait: GaitConfig | None = None
    action: ActionConfig
    reset: ResetConfig
    rewards: tuple[RewardTermConfig, ...] = Field(min_length=1)
    reward_min: float | None = None
    """Lowest reward, per second of simulated time, that the terms may come to together."""
    performance: PerformanceConfig | None = None
    """What a curriculum goes by; whether the goal was reached, 0 or 1, when left out."""
    metrics: tuple[MetricName, ...] = ()
    """What is measured of every episode beside its reward."""
    terminations: tuple[TerminationConfig, ...] = ()
    termination_penalty: Annotated[float, NonNegative] = 0.0
    """Reward subtracted when an episode terminates."""
    goal: GoalConfig

    @model_validator(mode="after")
    def _check(self) -> Self:
        self._check_goal()
        steps = 1.0 / (self.control_rate * self.physics.timestep)
        if not (steps >= 0.999 and abs(steps - round(steps)) < 1e-6):
            raise MisplacedError(
                ("control_rate",), f"the control period must be a whole number of physics timesteps, not {steps:.6g}"
            )
        seen: list[tuple[str, float, float | None]] = []
        for index, entry in enumerate(self.observation):
            view = entry.term, entry.scale, entry.clip
            if view in seen:
                raise MisplacedError(
                    ("observation", index, "term"),
                    f"{entry.term!r} is given twice at the same scale; use history for past ticks",
                )
            seen.append(view)
            self._check_source(index, entry.term)
        self._check_action()
        self._check_commands()
        self._check_gait()
        return self

    def _check_goal(self) -> None:
        goal, robot = self.goal, self.robot
        if goal.kind == "joint" and goal.joint not in robot.joints:
            raise MisplacedError(("goal", "joint"), f"no joint {goal.joint!r}; valid: {', '.join(robot.joints)}")
        if goal.kind == "upright" and not robot.imus:
            raise MisplacedError(("goal", "kind"), f"'upright' needs an IMU, and robot {robot.name!r} has none")
        if goal.kind == "tip":
            self._check_tip(("goal", "kind"), "'tip'")

    def _check_tip(self, at: tuple[str | int, ...], what: str) -> None:
        """Refuse what needs to know where the tip is and should be."""
        if self.robot.tip is None:
            raise MisplacedError(at, f"{what} needs `tip`, and robot {self.robot.name!r} has none")
        if not set(TIP_COMMANDS) <= set(self.commands):
            raise MisplacedError(at, f"{what} needs the commands {', '.join(TIP_COMMANDS)}")

    def _check_action(self) -> None:
        modes = {name: joint.mode for name, joint in self.robot.joints.items()}
        needed = ("current",) if self.action.target == "effort" else ("position", "impedance")
        wrong = [name for name, mode in modes.items() if mode not in needed]
        if wrong:
            raise MisplacedError(
                ("action", "target"),
                f"{self.action.target!r} needs joints in mode {' or '.join(needed)}; not so: {', '.join(wrong)}",
            )
        if self.action.target == "position":
            for name in self.action.scales:
                if name not in modes:
                    raise MisplacedError(("action", "scales", name), f"no such joint; valid: {', '.join(modes)}")

    def _check_commands(self) -> None:
        if self.command_source.kind == "tip":
            self._check_tip(("command_source", "kind"), "'tip'")
        for key in ("hold", "speed"):
            pair = getattr(self.command_source, key, None)
            if pair is not None and not pair[0] <= pair[1]:
                raise MisplacedError(("command_source", key), "must be ordered, low before high")

    def _check_gait(self) -> None:
        if self.gait is None:
            return
        if self.phase_frequency is None:
            raise MisplacedError(("gait",), "needs `phase_frequency`")
        if set(self.gait.offsets) != set(self.robot.feet):
            raise MisplacedError(
                ("gait", "offsets"), f"must name every foot of the robot; valid: {', '.join(self.robot.feet) or 'none'}"
            )

    def _check_source(self, index: int, term: str) -> None:
        """Refuse a term that nothing stands behind."""
        at = ("observation", index, "term")
        without = f"and robot {self.robot.name!r} has none"
        missing: dict[ObservationNeed, str] = {
            "imu": "" if self.robot.imus else f"an IMU, {without}",
            "commands": "" if self.commands else "`commands` with at least one entry",
            "phase": "" if self.phase_frequency is not None else "`phase_frequency`",
            "position_targets": "" if self.action.target == "position" else "position targets",
            "tip": "" if self.robot.tip else f"`tip`, {without}",
        }
        for need in OBSERVATION_TERMS[term].needs:
            if need == "tip_commands":
                self._check_tip(at, repr(term))
            elif missing[need]:
                raise MisplacedError(at, f"{term!r} needs {missing[need]}")

    @property
    def decimation(self) -> int:
        """Physics steps per control step."""
        return round(1.0 / (self.control_rate * self.physics.timestep))
