"""Loads policies from a run's newest checkpoint or from an exported ONNX file."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import ValidationError

from sim2real.configs.errors import UserError
from sim2real.configs.load import validate
from sim2real.configs.regular_file import POLICY_BYTES_MAX, read_regular
from sim2real.configs.schema.algorithm import AlgorithmConfig
from sim2real.configs.schema.experiment import ExperimentConfig
from sim2real.configs.yaml_source import parse_yaml
from sim2real.runtime.contract.manifest import ContractError, from_metadata
from sim2real.runtime.contract.spec import contract_of
from sim2real.task.check import check_terms
from sim2real.training.actor import Actor
from sim2real.training.algorithms import algorithm_kind
from sim2real.training.checkpoint import Checkpoint
from sim2real.training.evaluation import evaluate
from sim2real.training.export import ExportReport, onnx_session
from sim2real.training.kept_model import ModelRecord, located_model
from sim2real.training.kept_modules import keep, located
from sim2real.training.newest_checkpoint import newest_checkpoint
from sim2real.training.onnx_actor import onnx_actor
from sim2real.training.onnx_graph import require_finite_weights
from sim2real.training.policy import Policy, observation_size_of
from sim2real.training.privileged_difference import privileged_difference
from sim2real.training.problem import EVALUATION_SEED_OFFSET
from sim2real.training.provenance import MODEL, provenance_of
from sim2real.training.saved_experiment import saved_experiment
from sim2real.training.task_export import export_of_task
from sim2real.training.trained_contract import OTHER_VERSION, changed_parts, trained_contract

_NAMES_MODEL = ("task", "task.robot", "task.robot.model")
"""Overrides that name a model."""


@dataclass(frozen=True)
class SavedPolicy:
    """A policy and its experiment."""

    experiment: ExperimentConfig
    act: Actor
    """Its deterministic actions; remembers an episode if the policy has a memory. A privileged policy sees (n, O + P),
    see `Transition.seen`."""


def load_saved_policy(path: Path, overrides: tuple[str, ...] = ()) -> SavedPolicy:
    """Read a run folder or an ONNX file.

    Args:
        path: The folder or file.
        overrides: `key=value` texts that change its experiment, to evaluate it under other conditions.

    Raises:
        UserError: The file is missing or invalid, or an override changes the policy's observations or actions.
    """
    if path.is_dir():
        checkpoint = newest_checkpoint(path)
        keep(path, checkpoint.modules)
        text, act = checkpoint.experiment, _from_checkpoint(checkpoint, path)[1].actor()
        model = ModelRecord.of(checkpoint.model)
    else:
        text, act, model = _from_onnx(path)
    experiment = saved_experiment(text, path)
    if overrides:
        world = validate(
            ExperimentConfig,
            parse_yaml(text, str(path)),
            overrides,
            lambda config: check_terms(located(config, path)),
        )
        _check_kept(experiment, world, path)
        experiment = world
    if any(text.partition("=")[0].strip() in _NAMES_MODEL for text in overrides):
        model = None  # another model, on purpose
    return SavedPolicy(located_model(located(experiment, path), model, path), act)


def export_run(run_dir: Path, output: Path) -> ExportReport:
    """Export a run's newest checkpoint; parity is measured on observations of new episodes.

    Raises:
        UserError: There is no checkpoint, parity exceeds its bound, or the file cannot be written.
    """
    checkpoint = newest_checkpoint(run_dir)
    keep(run_dir, checkpoint.modules)
    experiment, policy = _from_checkpoint(checkpoint, run_dir)
    model = ModelRecord.of(checkpoint.model)
    experiment = located_model(located(experiment, run_dir), model, run_dir)
    met = evaluate(
        policy.actor(),
        experiment.task,
        experiment.randomization,
        experiment.evaluation_episodes,
        seed=experiment.seed + EVALUATION_SEED_OFFSET,
        privileged=experiment.privileged_policy,
    )
    provenance = provenance_of(
        experiment,
        steps=checkpoint.steps,
        iterations=checkpoint.iteration,
        seconds=checkpoint.seconds,
        model=model,
        origin=checkpoint.origin,
        evaluation=met,
    )
    return export_of_task(experiment, policy, output, provenance, met)


def _check_kept(trained: ExperimentConfig, world: ExperimentConfig, path: Path) -> None:
    """Refuse a world in which the policy's observations or actions would differ from training."""
    changed = changed_parts(contract_of(trained.task), contract_of(world.task))
    if changed := [*changed, *privileged_difference(trained, world)]:
        raise UserError(
            f"{path}: --set changes the policy's own {', '.join(changed)}; only the rest of the task may change"
        )


def _from_checkpoint(checkpoint: Checkpoint, path: Path) -> tuple[ExperimentConfig, Policy]:
    torch.set_num_threads(1)
    contract = trained_contract(checkpoint, path)
    experiment = saved_experiment(checkpoint.experiment, path)
    observed = contract.observation_size
    if experiment.privileged_policy:
        observed = observation_size_of(
            checkpoint.policy
        )  # how many privileged values there are, the simulation knows alone
    policy = _empty_policy(experiment.algorithm, (observed, contract.action_size), checkpoint)
    try:
        policy.load_state_dict(checkpoint.policy)
    except RuntimeError as error:
        raise UserError(f"{path}: the checkpoint's policy does not fit its experiment") from error
    return experiment, policy


def _from_onnx(path: Path) -> tuple[str, Actor, ModelRecord | None]:
    """Return the experiment text in an ONNX file, its policy, and the record of its robot's model."""
    try:
        content = read_regular(path, POLICY_BYTES_MAX)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        session = onnx_session(content)
    except Exception as error:  # onnxruntime's own exceptions have no common public base
        raise UserError(f"{path}: not an ONNX model that onnxruntime can read") from error
    try:
        contract, provenance = from_metadata(session.get_modelmeta().custom_metadata_map)
    except ContractError as error:
        hint = f"; {OTHER_VERSION}" if isinstance(error.__cause__, ValidationError) else ""
        raise UserError(f"{path}: {error}{hint}") from error
    if "experiment_yaml" not in provenance:
        raise UserError(f"{path}: its provenance names no experiment; evaluate the run it was exported from")
    text = provenance["experiment_yaml"]
    without_memory = contract.without_ranges().model_copy(update={"recurrent_state": ()})
    if contract_of(saved_experiment(text, path).task) != without_memory:
        raise UserError(
            f"{path}: its contract does not match its own experiment: the metadata was changed after export"
        )
    require_finite_weights(content, path)
    return text, onnx_actor(content), ModelRecord.of(json.loads(provenance.get(MODEL, "{}")))


def _empty_policy(config: AlgorithmConfig, sizes: tuple[int, int], checkpoint: Checkpoint) -> Policy:
    """Return a policy of the right shape, (O, A), to load a state into. Raises as `algorithm_kind`."""
    return Policy(
        config,
        *sizes,
        torch.Generator().manual_seed(0),
        squash=algorithm_kind(config).squashes(config),
        choices=checkpoint.policy.get("choices"),
    )
