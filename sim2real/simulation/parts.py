"""The parts of a simulation: the batch of models, and everything that reads it or acts on it."""

from dataclasses import dataclass
from typing import Any, Final

from mujoco.batch import Batch

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.curriculum import CurriculumConfig
from sim2real.configs.schema.randomization import RandomizationConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.model.dry_friction import DryFriction
from sim2real.model.model import RobotModel, build_model
from sim2real.model.terrain import Terrain
from sim2real.model.threaded_batch import threaded_batch
from sim2real.randomization.parameters import EpisodeParameters
from sim2real.runtime.contract.observation import ObservationPipeline
from sim2real.runtime.contract.spec import Contract, contract_of
from sim2real.simulation.actuation import Actuation
from sim2real.simulation.command_source import make_commands
from sim2real.simulation.critic_input import CriticInput
from sim2real.simulation.disturbance import Pushes, Wrenches
from sim2real.simulation.divergence import Divergence
from sim2real.simulation.model_options import model_options, observed_groups, terrain_of
from sim2real.simulation.reset import Reset
from sim2real.simulation.sensing import Sensing
from sim2real.simulation.slope import GroundSlope
from sim2real.simulation.timing import EpisodeTiming, PeriodJitter
from sim2real.simulation.varying_friction import VaryingFriction
from sim2real.task.command_source import CommandSource
from sim2real.task.evaluator import EpisodeEvaluator
from sim2real.task.ground_truth import GroundTruth, PhysicsArrays
from sim2real.task.requirements import Requirements

_SAVED: Final = ("actuation", "sensing", "slope", "commands", "truth")
"""Parts whose state is saved under their own names."""


@dataclass(frozen=True)
class SimulationParts:
    """The parts of n simulations, each with buffers of its own."""

    contract: Contract
    robot: RobotModel
    batch: Batch
    parameters: EpisodeParameters
    timing: EpisodeTiming
    jitter: PeriodJitter
    slope: GroundSlope
    sensing: Sensing
    actuation: Actuation
    reset: Reset
    friction: VaryingFriction | None
    """None where dry friction does not follow velocity and load."""
    pushes: Pushes
    wrenches: Wrenches
    divergence: Divergence
    observations: ObservationPipeline
    commands: CommandSource
    truth: GroundTruth
    evaluator: EpisodeEvaluator
    critic: CriticInput

    @classmethod
    def build(
        cls, task: TaskConfig, randomization: RandomizationConfig, n: int, threads: int, curriculum: CurriculumConfig
    ) -> "SimulationParts":
        """Compile the model and build everything around it.

        Raises:
            ConfigError: Task, randomization and robot do not fit together.
        """
        contract, needs = contract_of(task), Requirements.of(task)
        groups, terrain = observed_groups(task), terrain_of(randomization)
        robot = _compiled(task, randomization, needs, groups, terrain)
        batch = threaded_batch(robot.model, n, threads)
        parameters = EpisodeParameters(batch, robot, randomization, curriculum)
        quantize, period = randomization.quantize, 1.0 / task.control_rate
        timing = EpisodeTiming(batch, robot, groups, parameters, task.physics.timestep)
        jitter = PeriodJitter(batch, parameters, task.physics.timestep)
        slope = GroundSlope(batch, parameters)
        sensing = Sensing(batch, robot, task, groups, parameters, timing, slope, quantize=quantize)
        actuation = Actuation(batch, robot, task, contract, parameters, quantize=quantize)
        sensing.signals.joint_target = actuation.pipeline.target
        friction = DryFriction(task.robot)
        pushes = Pushes(batch, robot, parameters, period)
        arrays = PhysicsArrays(*(batch.bind(name) for name in ("qpos", "qvel", "sensordata", "actuator_force")))
        truth = GroundTruth(arrays, robot, task, needs.needs, terrain=terrain, vertical=slope.vertical)
        return cls(
            contract=contract,
            robot=robot,
            batch=batch,
            parameters=parameters,
            timing=timing,
            jitter=jitter,
            slope=slope,
            sensing=sensing,
            actuation=actuation,
            reset=Reset(batch, robot, task, parameters, terrain),
            friction=VaryingFriction(batch, robot, friction, parameters) if friction.varies else None,
            pushes=pushes,
            wrenches=Wrenches(batch, robot, parameters, period),
            divergence=Divergence(batch, task.decimation),
            observations=ObservationPipeline(contract, n),
            commands=make_commands(task, contract.robot, sensing.signals.command, parameters.array("command_scale")),
            truth=truth,
            evaluator=EpisodeEvaluator(task, contract, truth.state),
            critic=CriticInput(task, truth.state, parameters, pushes.pending),
        )

    def state_dict(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit: arrays and plain data."""
        return {
            "parameters": self.parameters.state_dict(),
            "fields": {name: self.batch.expand(name).copy() for name in self._expanded()},
            "state": self.batch.state.copy(),
            "observation": self.observations.state_dict(),
            "velocity": self.truth.state.velocity.copy(),
            "pending": self.pushes.pending.copy(),
            **self.evaluator.state_dict(),
            **{name: getattr(self, name).state_dict() for name in _SAVED},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.parameters.load_state_dict(state["parameters"])
        for name in self._expanded():
            self.batch.expand(name)[...] = state["fields"][name]
        self.batch.state[...] = state["state"]
        self.observations.load_state_dict(state["observation"])
        self.critic.restore()
        self.truth.state.velocity[...] = state["velocity"]
        self.pushes.pending[...] = state["pending"]
        self.evaluator.load_state_dict(state)
        for name in _SAVED:
            getattr(self, name).load_state_dict(state[name])

    def _expanded(self) -> list[str]:
        """Return the model fields that differ between simulations."""
        parts = (self.parameters, self.timing, self.slope, self.jitter, self.actuation, self.friction)
        return sorted({name for part in parts if part is not None for name in part.field_names})


def _compiled(
    task: TaskConfig,
    randomization: RandomizationConfig,
    needs: Requirements,
    groups: tuple[str, ...],
    terrain: Terrain | None,
) -> RobotModel:
    """Return the compiled model of a task. Raises ConfigError if the task needs what its robot does not have."""
    needs.check(task, dict.fromkeys(("base", "rail", "travel"), True))  # only the compiled model knows these
    robot = build_model(task, model_options(randomization, groups, needs, terrain))
    found = {"base": robot.base is not None, "rail": robot.rail is not None, "travel": robot.travel is not None}
    needs.check(task, found)
    if terrain is not None and robot.base is None:
        raise ConfigError(f"task {task.name!r}: terrain_roughness needs a robot with a free base")
    if task.physics.friction == "lugre" and randomization.entry("joint_friction") is not None:
        raise ConfigError(
            f"task {task.name!r}: joint_friction applies to dry friction only; valid: physics.friction coulomb"
        )
    return robot
