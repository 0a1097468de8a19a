"""Policies read back: from a run's newest checkpoint, or from an exported ONNX file."""

from dataclasses import dataclass
from pathlib import Path

import torch

from configs.errors import UserError
from configs.load import validate
from configs.schema.experiment import ExperimentConfig
from configs.source import parse_yaml
from runtime.contract.manifest import ContractError, from_metadata
from runtime.contract.spec import contract_of
from training.checkpoint import Checkpoint, load_checkpoint
from training.environment import Floats
from training.evaluation import Act, evaluate
from training.export import ExportReport, export_policy, onnx_session
from training.onnx_graph import INPUT, OUTPUT
from training.policy import Policy, empty_policy
from training.provenance import provenance_of
from training.run_folder import RunFolder
from training.runner import EVALUATION_SEED_OFFSET, experiment_of

_PARITY_EPISODES = 32


@dataclass(frozen=True)
class SavedPolicy:
    """A policy and what it was trained for."""

    experiment: ExperimentConfig
    act: Act


def load_saved_policy(path: Path) -> SavedPolicy:
    """Read a run folder or an ONNX file. Raises UserError with what is missing or wrong."""
    if path.is_dir():
        experiment, policy = _from_checkpoint(load_checkpoint(RunFolder.open(path).latest_checkpoint()))
        return SavedPolicy(experiment, policy.act)
    return _from_onnx(path)


def export_run(run_dir: Path, output: Path) -> ExportReport:
    """Export a run's newest checkpoint; parity is measured on observations of fresh episodes.

    Raises:
        UserError: There is no checkpoint, parity misses its bound, or the file cannot be written.
    """
    checkpoint = load_checkpoint(RunFolder.open(run_dir).latest_checkpoint())
    experiment, policy = _from_checkpoint(checkpoint)
    met = evaluate(
        policy.act,
        experiment.task,
        experiment.randomization,
        _PARITY_EPISODES,
        seed=experiment.seed + EVALUATION_SEED_OFFSET,
    )
    provenance = provenance_of(
        experiment, steps=checkpoint.steps, iterations=checkpoint.iteration, seconds=checkpoint.seconds
    )
    return export_policy(policy, contract_of(experiment.task), output, provenance, met.observations)


def _from_checkpoint(checkpoint: Checkpoint) -> tuple[ExperimentConfig, Policy]:
    torch.set_num_threads(1)
    experiment = experiment_of(checkpoint)
    policy = empty_policy(experiment.algorithm, contract_of(experiment.task))
    try:
        policy.load_state_dict(checkpoint.policy)
    except RuntimeError as error:
        raise UserError("the checkpoint's policy does not fit its experiment") from error
    return experiment, policy


def _from_onnx(path: Path) -> SavedPolicy:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        session = onnx_session(content)
    except Exception as error:  # onnxruntime's own exceptions have no common public base
        raise UserError(f"{path}: not an ONNX model that onnxruntime can read") from error
    try:
        contract, provenance = from_metadata(session.get_modelmeta().custom_metadata_map)
    except ContractError as error:
        raise UserError(f"{path}: {error}") from error
    if "experiment_yaml" not in provenance:
        raise UserError(f"{path}: its provenance names no experiment; evaluate the run it was exported from")
    experiment = validate(ExperimentConfig, parse_yaml(provenance["experiment_yaml"], str(path)))
    if contract_of(experiment.task) != contract:
        raise UserError(
            f"{path}: its contract is not that of its own experiment: the metadata was changed after export"
        )

    def act(observation: Floats) -> Floats:
        action: Floats = session.run([OUTPUT], {INPUT: observation})[0]
        return action

    return SavedPolicy(experiment, act)
