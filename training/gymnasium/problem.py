"""An environment of Gymnasium's interface as what a run learns."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from sim2real.configs.command_outcome import error_console
from sim2real.configs.errors import UserError
from sim2real.configs.schema.gymnasium import GymnasiumConfig
from sim2real.reference.env import ReferenceEnv
from sim2real.training import team
from sim2real.training.actor import Act
from sim2real.training.checkpoint import Checkpoint
from sim2real.training.environment_interface import Environment
from sim2real.training.evaluation import EpisodeTooLongError, Evaluation, play
from sim2real.training.export import ExportReport, export_model
from sim2real.training.gymnasium.contract import GymnasiumContract, contract_of, read_contract
from sim2real.training.gymnasium.environment import GymnasiumEnvironment
from sim2real.training.gymnasium.foreign_code import closed
from sim2real.training.gymnasium.given import GivenEnvironment
from sim2real.training.gymnasium.make import Vectorization, chosen, make
from sim2real.training.gymnasium.registry import spec_of
from sim2real.training.policy import Policy
from sim2real.training.problem import Trained
from sim2real.training.provenance import provenance_of
from sim2real.training.run_folder import RunFolder

_ENVIRONMENTS_MAX: Final = 256
"""Environments of an evaluation on a batch."""


class GymnasiumProblem:
    """Environments of an id, or given from Python.

    Args:
        experiment: The experiment.
        given: The environment, where the experiment names no id.

    Raises:
        UserError: There is no such environment, it cannot be learned, or both or none of id and environment are given.
    """

    def __init__(self, experiment: GymnasiumConfig, given: GivenEnvironment | None = None) -> None:
        self._given = given
        config = experiment.environment
        if config.id is None and given is None:
            raise UserError(
                f"{experiment.name}: names no environment; give sim2real train gym/ID, set environment.id, or give "
                "the environment from Python: sim2real.train(env)"
            )
        if config.id is not None and given is not None:
            raise UserError(f"an environment is given, and environment.id says {config.id}; give one of them")
        self._name = config.id or experiment.name
        self._how: Vectorization = "sync"
        if config.id is not None:
            self._how, why = chosen(config)
            error_console().print(f"{config.id}: {self._how}: {why}", markup=False)
        self._close: list[Callable[[], object]] = []
        self._apart: Environment | None = None
        self._environment = self._made(experiment, team.share_of(experiment.environments))
        # Who gives a vector environment has chosen how many there are.
        self.experiment = experiment.model_copy(update={"environments": self._environment.num_envs * team.size()})
        self._contract = contract_of(self._environment, self._name)

    @classmethod
    def resume(
        cls, experiment: GymnasiumConfig, checkpoint: Checkpoint, run: Path, given: GivenEnvironment | None
    ) -> "GymnasiumProblem":
        """Return the problem of a run that has a checkpoint.

        Raises:
            UserError: The environment is not given again, or is another one.
        """
        if experiment.environment.id is None and given is None:
            raise UserError(
                f"{run}: its environment was given from Python; give it again: sim2real.train(env, resume={str(run)!r})"
            )
        problem = cls(experiment, given)
        differ = problem.differs_from(checkpoint, run)
        if problem.experiment.environments != experiment.environments:
            differ.append("environments")
        if differ:
            problem.close()
            raise UserError(f"{run}: the environment has another {', '.join(differ)} than in training; valid: the same")
        return problem

    @property
    def contract(self) -> str:
        """JSON of the spaces."""
        return self._contract.model_dump_json()

    @property
    def spaces(self) -> GymnasiumContract:
        """The spaces of the environment."""
        return self._contract

    @property
    def kept(self) -> dict[str, Any]:
        """Nothing: a run keeps neither modules nor a model of an environment."""
        return {"modules": {}, "model": {}}

    @property
    def evaluates_apart(self) -> bool:
        """Whether further environments can be made."""
        return self._given is None or self._given.is_maker

    def as_written(self) -> GymnasiumConfig:
        """Return the experiment."""
        return self.experiment

    def environment(self, diverged: Path) -> Environment:
        """Return the environments to train in."""
        return self._environment

    def evaluate(self, act: Act, episodes: int, seed: int) -> Evaluation:
        """Play whole episodes on environments of their own, or on the only ones there are."""
        config = self.experiment.environment
        environment = self._for_evaluation(episodes)
        try:
            return play(act, environment, episodes, self._episode_steps(), self._contract.environment, seed=seed)
        except EpisodeTooLongError as error:
            raise UserError(
                f"evaluation of {self._contract.environment}: {error}; raise environment.episode_steps_max "
                f"({config.episode_steps_max}), or give the environment a time limit"
            ) from error

    def failure_of(self, evaluation: Evaluation) -> str | None:
        """Return None: what a short episode means is not known of a foreign environment."""
        return None

    def differs_from(self, checkpoint: Checkpoint, run: Path) -> list[str]:
        """Return the parts of the spaces in which another run's policy differs."""
        return self._contract.changed(read_contract(checkpoint.contract, run))

    def export(self, policy: Policy, path: Path, evaluation: Evaluation, trained: Trained) -> ExportReport:
        """Write the policy with the description of its spaces."""
        provenance = provenance_of(
            self.experiment,
            steps=trained.steps,
            iterations=trained.iterations,
            seconds=trained.seconds,
            origin=trained.origin,
        )
        metadata = self._contract.metadata(provenance)
        return export_model(policy, metadata, path, evaluation.observations, evaluation.sequences)

    def draw(self, run: RunFolder) -> None:
        """Do nothing: there is no curriculum."""

    def close(self) -> None:
        """Close the environments that were made here, not those that were given."""
        while self._close:
            closed(self._name, self._close.pop())

    def _for_evaluation(self, episodes: int) -> Environment:
        if not self.evaluates_apart:
            return self._environment
        if self._apart is None:
            most = _ENVIRONMENTS_MAX if self._how == "batch" else self.experiment.environments
            self._apart = self._made(self.experiment, min(episodes, most))
        return self._apart

    def _episode_steps(self) -> int:
        config = self.experiment.environment
        limit = None if config.id is None else spec_of(config.id).max_episode_steps
        return config.episode_steps_max if limit is None else limit

    def _made(self, experiment: GymnasiumConfig, environments: int) -> Environment:
        config = experiment.environment
        if self._given is not None:
            env = self._given.vector(environments)
        else:
            env = make(config, self._how, environments, seed=experiment.seed, threads=experiment.threads)
        if self.evaluates_apart:
            self._close.append(env.close)
        if isinstance(env, ReferenceEnv) and config.reward_scale == 1.0:
            return env  # our own batch is used as it is, without copies
        try:
            return GymnasiumEnvironment(
                env, autoreset=config.autoreset, reward_scale=config.reward_scale, costs=config.costs
            )
        except BaseException:
            self.close()
            raise
