"""Schema of a task: observation, action, reward, and what ends an episode."""

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
    """What the policy commands."""
    fraction: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Effort at action 1, as a share of the joint's effort limit."""
    smoothing: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """First-order filter on the action: share of the previous value that is kept each tick."""


class PositionActionConfig(Config):
    """The policy commands joint position: default position plus `scale` times the action."""

    target: Literal["position"]
    """What the policy commands."""
    scale: Annotated[Angle, Positive]
    """Distance from the default position at action 1."""
    scales: dict[Name, Annotated[Angle, Positive]] = Field(default_factory=dict)
    """The same for single joints, by name, in place of `scale`."""
    relative: bool = False
    """Whether the action, times `scale`, moves the last target: actions are then speeds. Every run starts at the
    default position."""
    smoothing: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """First-order filter on the action: share of the previous value that is kept each tick."""


ActionConfig = Annotated[EffortActionConfig | PositionActionConfig, Field(discriminator="target")]


class RewardTermConfig(Config):
    """One term of the reward: weight times the term, per second of simulated time."""

    term: RewardName
    """Name of the reward: shipped, or declared in a module of the task."""
    weight: float
    """Factor of the term, per second of simulated time; negative for a cost."""
    scale: Annotated[float, Positive] = 1.0
    """Scale of the term, in the SI unit that its documentation names."""


class PerformanceConfig(Config):
    """Performance of an episode, 0 to 1: mean of a reward over the time limit; steps after a termination count as 0."""

    term: RewardName
    """Name of the reward: shipped, or declared in a module of the task."""
    scale: Annotated[float, Positive] = 1.0
    """Scale of the reward, in the SI unit that its documentation names."""


class CostConfig(Config):
    """A cost: a reward's term that is not paid for, and may cost so much in the mean."""

    term: RewardName
    """Name of the reward that measures it: shipped, or declared in a module of the task."""
    scale: Annotated[float, Positive] = 1.0
    """Scale of the term, in the SI unit that its documentation names."""
    budget: Annotated[float, Positive]
    """Highest mean of the term over control steps, in its unit."""


class TerminationConfig(Config):
    """One condition that terminates an episode."""

    term: TerminationName
    """Name of the termination: shipped, or declared in a module of the task."""
    limit: float = 0.0
    """Limit of the condition, in the SI unit that its documentation names."""


class GaitConfig(Config):
    """Target heights of the feet over the cycle of `phase_frequency`."""

    lift: Annotated[Length, Positive]
    """Height of the foot in the middle of its swing."""
    offsets: dict[Name, Annotated[float, Field(ge=0.0, lt=1.0)]]
    """Phase offset of each foot, as a share of the cycle."""
    swing: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.5
    """Share of the cycle that a foot is in the air."""


class ResetConfig(Config):
    """Initial state of an episode, drawn uniformly from ranges."""

    start_pose_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """Share of episodes that start as runs on the robot do: at rest, in the start pose within its tolerance."""

    around: Literal["zero", "default"] = "zero"
    """Reference of `position`: the zero of the joints, or their default position."""
    position: tuple[Angle, Angle]
    """Range of the joint positions, from their reference."""
    velocity: tuple[AngularVelocity, AngularVelocity]
    """Range of the joint velocities."""
    lying_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """Share of episodes in which a free base starts in a random attitude, just above the ground."""


class PhysicsConfig(Config):
    """Settings of the simulator."""

    timestep: Annotated[Duration, Positive]
    """Physics step; the control period is a multiple of it."""
    integrator: Literal["implicitfast", "implicit", "Euler", "RK4"] = "implicitfast"
    """MuJoCo's integrator."""
    friction: Literal["coulomb", "lugre"] = "coulomb"
    """Friction of the gears: Coulomb, which holds exactly in the solver, or LuGre bristles."""


class TaskConfig(Config):
    """One task of one robot."""

    name: Name
    """Name of the task."""
    description: str = ""
    """For readers."""
    modules: tuple[Module, ...] = ()
    """Python modules that declare further rewards, terminations, metrics, privileged terms and command sources."""
    robot: Annotated[RobotConfig, Reference("robots")]
    """The robot: a shipped name, a path, or the robot itself."""
    control_rate: Annotated[Rate, Field(gt=0.0, le=2000.0)]
    """Control steps per second, in simulation and on the robot."""
    episode_duration: Annotated[Duration, Positive]
    """Time limit of an episode."""
    physics: PhysicsConfig
    """Settings of the simulator."""
    observation: tuple[ObservationTermConfig, ...] = Field(min_length=1)
    """Blocks of the policy's observation, in order."""
    privileged: tuple[PrivilegedName, ...] = ()
    """Inputs of the critic beside the observation, by name; the policy never gets them."""
    commands: dict[Name, CommandConfig] = Field(default_factory=dict)
    """Operator commands by name, in the order of the observation term `command`."""
    command_source: CommandSourceConfig = UniformCommandsConfig()
    """Source of the commands in simulation."""
    phase_frequency: Annotated[Rate, Positive] | None = None
    """Frequency of the phase clock, which the observation term `phase` shows."""
    gait: GaitConfig | None = None
    """Gait of a walking robot, for the terms that need one."""
    action: ActionConfig
    """Meaning of the policy's actions."""
    reset: ResetConfig
    """Initial states of the episodes."""
    rewards: tuple[RewardTermConfig, ...] = Field(min_length=1)
    """Terms of the reward; their weighted sum is paid in every control step."""
    reward_min: float | None = None
    """Lower bound of the sum of the terms, per second of simulated time; by default unbounded."""
    costs: dict[Name, CostConfig] = Field(default_factory=dict)
    """Costs with budgets, by names of your own: what a learner with constraints keeps to, beside the reward."""
    performance: PerformanceConfig | None = None
    """Performance measure of the curriculum; by default 1 if the goal was reached, else 0."""
    metrics: tuple[MetricName, ...] = ()
    """Metrics of every episode, by name; they do not change the reward."""
    terminations: tuple[TerminationConfig, ...] = ()
    """Conditions that terminate an episode before its time limit."""
    termination_penalty: Annotated[float, NonNegative] = 0.0
    """Reward subtracted once when an episode terminates."""
    goal: GoalConfig
    """Success criterion of an episode, and of a run on the robot."""

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
