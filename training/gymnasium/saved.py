"""Policies for Gymnasium environments that a run or an ONNX file holds."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from sim2real.configs.errors import ConfigError, UserError
from sim2real.configs.regular_file import POLICY_BYTES_MAX, read_regular
from sim2real.configs.schema.gymnasium import GymnasiumConfig
from sim2real.configs.yaml_source import read_yaml
from sim2real.runtime.contract.manifest import ENVIRONMENT_KEY
from sim2real.training.actor import Actor
from sim2real.training.algorithms import algorithm_kind
from sim2real.training.checkpoint import Checkpoint
from sim2real.training.evaluation import Evaluation
from sim2real.training.export import ExportReport, metadata_of, provenance_in
from sim2real.training.gymnasium.contract import GymnasiumContract, read_contract
from sim2real.training.gymnasium.given import GivenEnvironment
from sim2real.training.gymnasium.problem import GymnasiumProblem
from sim2real.training.newest_checkpoint import newest_checkpoint
from sim2real.training.onnx_actor import onnx_actor
from sim2real.training.onnx_graph import require_finite_weights
from sim2real.training.policy import Policy
from sim2real.training.problem import EVALUATION_SEED_OFFSET, Trained
from sim2real.training.run_folder import RunFolder
from sim2real.training.saved_experiment import saved_training, schema_of

_PARITY_EPISODES: Final = 16


@dataclass(frozen=True)
class GymnasiumPolicy:
    """A policy, what it was trained with, and the spaces it is for."""

    experiment: GymnasiumConfig
    contract: GymnasiumContract
    act: Actor
    """Its deterministic actions; remembers an episode if the policy has a memory."""

    def evaluate(self, episodes: int, seed: int, given: GivenEnvironment | None, place: Path) -> Evaluation:
        """Play whole episodes on fresh environments.

        Args:
            episodes: How many.
            seed: Of the episodes.
            given: The environment, where it was given from Python.
            place: Of the policy, for messages.

        Raises:
            UserError: The environment cannot be made, is not given, or is another one.
        """
        if self.experiment.environment.id is None and given is None:
            raise UserError(
                f"{place}: its environment was given from Python; give it again: "
                f"sim2real.evaluate({str(place)!r}, env=env)"
            )
        problem = GymnasiumProblem(self.experiment, given)
        try:
            if differ := self.contract.changed(problem.spaces):
                raise UserError(f"{place}: the environment has another {', '.join(differ)} than in training")
            return problem.evaluate(self.act, episodes, seed)
        finally:
            problem.close()


def is_for_gymnasium(path: Path) -> bool:
    """Return whether a run's folder or an ONNX file holds a policy for a Gymnasium environment.

    What is neither, or cannot be read, is for no such environment: whoever reads it as a robot's says what is wrong.
    """
    try:
        if path.is_dir():
            return schema_of(read_yaml(RunFolder.open(path).config)) is GymnasiumConfig
        return ENVIRONMENT_KEY in metadata_of(path)
    except UserError:
        return False


def load_gymnasium_policy(path: Path, overrides: tuple[str, ...] = ()) -> GymnasiumPolicy:
    """Read a policy from a run's newest checkpoint or an ONNX file.

    Args:
        path: The folder or the file.
        overrides: `key=value` texts that change the environment.

    Raises:
        UserError: It cannot be read, or an override is not valid.
    """
    for text in overrides:
        if not text.startswith("environment"):
            raise ConfigError(f"--set {text}: changes the training; valid for a policy of {path}: environment.KEY")
    if path.is_dir():
        checkpoint = newest_checkpoint(path)
        contract = read_contract(checkpoint.contract, path)
        experiment = _experiment(checkpoint.experiment, path, overrides)
        return GymnasiumPolicy(experiment, contract, _policy_of(checkpoint, experiment, contract, path).actor())
    content = read_regular(path, POLICY_BYTES_MAX)
    metadata = metadata_of(path)
    require_finite_weights(content, path)
    text = provenance_in(metadata).get("experiment_yaml", "")
    if not text:
        raise UserError(f"{path}: its provenance names no experiment; evaluate the run it was exported from")
    contract = read_contract(metadata[ENVIRONMENT_KEY], path)
    return GymnasiumPolicy(_experiment(text, path, overrides), contract, onnx_actor(content))


def export_gymnasium_run(run: Path, output: Path) -> ExportReport:
    """Export a run's newest checkpoint; parity is measured on observations of new episodes.

    Raises:
        UserError: There is no checkpoint, its environment was given from Python, parity exceeds its bound, or the file
            cannot be written.
    """
    checkpoint = newest_checkpoint(run)
    contract = read_contract(checkpoint.contract, run)
    experiment = _experiment(checkpoint.experiment, run)
    policy = _policy_of(checkpoint, experiment, contract, run)
    if experiment.environment.id is None:
        raise UserError(
            f"{run}: its environment was given from Python, and an export needs it to prove parity: "
            f"sim2real.train(env, resume={str(run)!r}) exports at the end"
        )
    problem = GymnasiumProblem(experiment)
    try:
        met = problem.evaluate(policy.actor(), _PARITY_EPISODES, experiment.seed + EVALUATION_SEED_OFFSET)
        trained = Trained(checkpoint.steps, checkpoint.iteration, checkpoint.seconds, checkpoint.origin)
        return problem.export(policy, output, met, trained)
    finally:
        problem.close()


def _experiment(text: str, path: Path, overrides: tuple[str, ...] = ()) -> GymnasiumConfig:
    experiment = saved_training(text, path, overrides)
    if not isinstance(experiment, GymnasiumConfig):
        raise UserError(f"{path}: is for the robot {experiment.task.robot.name}, and for no environment of Gymnasium's")
    return experiment


def _policy_of(checkpoint: Checkpoint, experiment: GymnasiumConfig, contract: GymnasiumContract, path: Path) -> Policy:
    torch.set_num_threads(1)
    algorithm = experiment.algorithm
    policy = Policy(
        algorithm,
        *contract.sizes,
        torch.Generator().manual_seed(0),
        squash=algorithm_kind(algorithm).squashes(algorithm),
        choices=checkpoint.policy.get("choices"),
    )
    try:
        policy.load_state_dict(checkpoint.policy)
    except RuntimeError as error:
        raise UserError(f"{path}: the checkpoint's policy does not fit its experiment") from error
    return policy
