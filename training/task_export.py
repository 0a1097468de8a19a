"""The ONNX file of a policy of a robot's task: with its contract, or marked as one that no robot can have."""

from collections.abc import Mapping
from pathlib import Path

from sim2real.configs.schema.experiment import ExperimentConfig
from sim2real.runtime.contract.manifest import PRIVILEGED_KEY, PROVENANCE_KEY, provenance_text
from sim2real.runtime.contract.spec import contract_of
from sim2real.training.evaluation import Evaluation
from sim2real.training.export import ExportReport, export_model, export_policy
from sim2real.training.observation_ranges import with_ranges
from sim2real.training.policy import Policy


def export_of_task(
    experiment: ExperimentConfig, policy: Policy, path: Path, provenance: Mapping[str, str], met: Evaluation
) -> ExportReport:
    """Verify a policy and write it.

    Args:
        experiment: What it was trained for.
        policy: The policy.
        path: The file to write.
        provenance: Where it comes from.
        met: An evaluation of it: parity is measured on its observations, and they widen the ranges of the contract.

    Raises:
        UserError: As `export_policy`.
    """
    if experiment.privileged_policy:
        metadata = {PRIVILEGED_KEY: ", ".join(experiment.task.privileged), PROVENANCE_KEY: provenance_text(provenance)}
        return export_model(policy, metadata, path, met.observations, met.sequences)
    contract = with_ranges(contract_of(experiment.task), policy.normalizer, met.observations)
    return export_policy(policy, contract, path, provenance, met.observations, met.sequences)
