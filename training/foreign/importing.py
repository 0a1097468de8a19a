"""Imports a policy from another project: our contract around its network, checked before it is written."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.configs.regular_file import POLICY_BYTES_MAX, read_regular
from sim2real.runtime.contract.manifest import CONTRACT_KEY, to_metadata
from sim2real.runtime.contract.model_file import metadata_of, with_digest
from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.policy import OnnxPolicy
from sim2real.training.checkpoint import write_atomically
from sim2real.training.foreign.contract import Layout, foreign_contract
from sim2real.training.foreign.golden import Golden, check_golden, in_their_order, read_golden, to_contract
from sim2real.training.foreign.graph import read_network, with_contract
from sim2real.training.foreign.sources import stated_in, stated_in_metadata
from sim2real.training.foreign.stated import joined
from sim2real.training.onnx_graph import require_finite_weights


@dataclass(frozen=True)
class ImportReport:
    """Result of an import."""

    path: Path
    contract: Contract
    sources: str
    golden_ticks: int
    """Golden ticks that were compared; 0 if none were given."""
    golden_difference: float | None
    """The largest difference, as a share of the largest value or of 1."""
    size_bytes: int

    def document(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {
            "policy": str(self.path),
            "task": self.contract.task,
            "robot": self.contract.robot.name,
            "contract_sha256": self.contract.digest(),
            "sources": self.sources,
            "golden_ticks": self.golden_ticks,
            "golden_difference": self.golden_difference,
            "size_bytes": self.size_bytes,
        }


def import_policy(model: Path, sources: Sequence[Path], output: Path, golden: Path | None = None) -> ImportReport:
    """Write a bundle with our contract, atomically.

    Args:
        model: The ONNX file of the other project.
        sources: YAML files that state what it means; together with the model's own metadata they must say everything.
        output: The bundle.
        golden: Golden vectors, see `read_golden`.

    Raises:
        UserError: Something is not stated, two sources contradict each other, the robot is not the one of training, or
            the golden vectors differ. Nothing is written.
    """
    try:
        content = read_regular(model, POLICY_BYTES_MAX)
    except OSError as error:
        raise UserError(f"{model}: cannot be read: {error.strerror}") from error
    network = read_network(model, content)
    require_finite_weights(content, model)
    metadata = metadata_of(content)
    if CONTRACT_KEY in metadata:
        raise UserError(f"{model}: has our contract already; `run`, `hil` and `flash` take it as it is")
    vectors = None if golden is None else read_golden(golden)
    written = stated_in_metadata(metadata, str(model))
    stated = joined([*(stated_in(path) for path in sources), *([written] if written is not None else [])])
    contract, layout = foreign_contract(stated, network.state_shapes)
    if contract.observation_size != network.observations or contract.action_size != network.actions:
        blocks = ", ".join(f"{term.term} {term.size}" for term in contract.observation)
        raise UserError(
            f"{model}: takes {network.observations} values and gives {network.actions}; what is stated has "
            f"{contract.observation_size} ({blocks}) and {contract.action_size} joints"
        )
    provenance = {
        "imported_from": model.name,
        "imported_sha256": hashlib.sha256(content).hexdigest(),
        "stated_by": stated.source,
        "golden_ticks": str(0 if vectors is None else len(vectors.action)),
    }
    bundle = with_digest(with_contract(network, layout, to_metadata(contract, provenance)))
    difference = _tried(bundle, contract, layout, vectors)
    write_atomically(output, bundle)
    return ImportReport(
        output,
        contract,
        stated.source,
        0 if vectors is None else len(vectors.action),
        difference,
        len(bundle),
    )


def _tried(bundle: bytes, contract: Contract, layout: Layout, golden: Golden | None) -> float | None:
    """Load a bundle as the runtime does, and hold it against golden vectors; None if there are none."""
    with TemporaryDirectory(prefix="sim2real-import-") as folder:
        place = Path(folder) / "bundle.onnx"
        place.write_bytes(bundle)
        policy = OnnxPolicy(place)
        if golden is None:
            return None
        if golden.observation.shape[1] != len(layout.index):
            raise UserError(
                f"{golden.path}: observation has {golden.observation.shape[1]} values, the policy {len(layout.index)}"
            )
        seen = to_contract(golden.observation, layout).astype(np.float32)
        actions = np.array([policy.act(row[None])[0].copy() for row in seen])
    return check_golden(golden, contract, layout, in_their_order(actions, layout))
