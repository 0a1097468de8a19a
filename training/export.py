"""Exports a policy to ONNX with its contract, and compares onnxruntime's output with torch's."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
import torch

from sim2real.configs.errors import UserError
from sim2real.configs.regular_file import POLICY_BYTES_MAX, read_regular
from sim2real.runtime.contract.manifest import PROVENANCE_KEY, to_metadata
from sim2real.runtime.contract.model_file import with_digest
from sim2real.runtime.contract.spec import Contract
from sim2real.training.checkpoint import write_atomically
from sim2real.training.environment_interface import Floats
from sim2real.training.finite import require_finite, tensors_of
from sim2real.training.onnx_graph import INPUT, OUTPUT, STATE_INPUT, STATE_OUTPUT, policy_model
from sim2real.training.policy import Policy
from sim2real.training.recorded import Sequences

PARITY_MAX: Final = 1e-5
"""Largest allowed difference of any action; float32 rounding in these networks is about 1e-6."""


@dataclass(frozen=True)
class ExportReport:
    """Result of an export."""

    path: Path
    parity: float
    """Largest absolute difference between onnxruntime and torch over the observations."""
    observations: int
    """Number of observations compared."""
    size_bytes: int


def export_policy(
    policy: Policy,
    contract: Contract,
    path: Path,
    provenance: Mapping[str, str],
    observations: Floats,
    sequences: Sequences | None = None,
) -> ExportReport:
    """Verify a policy and write it as ONNX, atomically.

    Args:
        policy: The policy.
        contract: Written in full into the model's metadata, with the shapes of the policy's memory.
        path: The file to write.
        provenance: Origin of the policy, written into the metadata.
        observations: Recorded observations to compare on, (n, O), n ≥ 1.
        sequences: Recorded sequences, on which a policy with memory is compared instead; it needs them.

    Raises:
        NonFiniteError: A weight of the policy is not finite.
        UserError: Sizes do not fit the contract, torch and onnxruntime differ by more than `PARITY_MAX`, or the file
            cannot be written.
    """
    size = contract.observation_size
    if observations.ndim != 2 or observations.shape[1] != size:
        raise UserError(f"{path}: parity needs observations of shape (n, {size}), got {observations.shape}")
    contract = contract.model_copy(update={"recurrent_state": policy.memory.shapes})
    return export_model(policy, to_metadata(contract, provenance), path, observations, sequences)


def export_model(
    policy: Policy,
    metadata: Mapping[str, str],
    path: Path,
    observations: Floats,
    sequences: Sequences | None = None,
) -> ExportReport:
    """Verify a policy and write it as ONNX with any metadata; see `export_policy`."""
    if not len(observations):
        raise UserError(f"{path}: parity needs observations; there are none")
    require_finite(dict(tensors_of(policy, f"{path}: not written: policy")))
    content = with_digest(policy_model(policy, metadata).SerializeToString())
    if policy.memory.recurrent:
        if sequences is None:
            raise UserError(f"{path}: parity of a policy with memory needs recorded sequences; there are none")
        parity, compared = _parity_in_sequence(policy, content, sequences), sequences.begins.size
    else:
        parity, compared = _parity(policy, content, observations), len(observations)
    if not parity <= PARITY_MAX:
        raise UserError(f"{path}: not written: onnxruntime and torch differ by {parity:.3g}, more than {PARITY_MAX:g}")
    write_atomically(path, content)
    return ExportReport(path, parity, compared, len(content))


def onnx_session(content: bytes) -> onnxruntime.InferenceSession:
    """Return a session with one thread; raises onnxruntime's exceptions for an invalid model."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def exported_steps(policy: Path) -> int | None:
    """Return after how many steps of training a policy was exported; None if there is none that can be read."""
    try:
        return int(provenance_in(metadata_of(policy))["steps"])
    except (UserError, KeyError, ValueError):
        return None


def provenance_in(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the provenance in a policy's metadata; empty if there is none that can be read."""
    try:
        found = json.loads(metadata[PROVENANCE_KEY])
    except (KeyError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def metadata_of(policy: Path) -> dict[str, str]:
    """Return the metadata of an ONNX file. Raises UserError if it cannot be read."""
    try:
        metadata: dict[str, str] = (
            onnx_session(read_regular(policy, POLICY_BYTES_MAX)).get_modelmeta().custom_metadata_map
        )
    except Exception as error:  # a damaged file fails anywhere in onnxruntime
        raise UserError(f"{policy}: not an ONNX model that onnxruntime can read") from error
    return metadata


def _parity(policy: Policy, content: bytes, observations: Floats) -> float:
    """Return the largest absolute difference, for one batch and, as on the robot, for single observations.

    Of choices it is the difference of scores: two that are equal up to rounding are as good.
    """
    session = onnx_session(content)
    expected = policy.act(observations)
    batched = session.run([OUTPUT], {INPUT: observations})[0]
    singly = [session.run([OUTPUT], {INPUT: row[None]})[0][0] for row in observations[:64]]
    if policy.choices is not None:
        found, seen = np.concatenate((batched, singly)), np.concatenate((observations, observations[:64]))
        return policy.shortfall(seen, found)
    differences = np.concatenate((batched - expected, np.array(singly) - expected[:64]))
    return float(np.abs(differences).max())


def _parity_in_sequence(policy: Policy, content: bytes, sequences: Sequences) -> float:
    """Return the largest difference of actions and states, each side with its own states all the way.

    Of a state beyond ±1, which a cell of an LSTM may have, it is the relative one. The file is run for one robot after
    the other, as on the robot.
    """
    session = onnx_session(content)
    count, largest = policy.memory.state_count, 0.0
    outputs = [OUTPUT, *(STATE_OUTPUT.format(number) for number in range(count))]
    for robot in range(sequences.begins.shape[1]):
        ours = [np.zeros(shape, np.float32) for shape in policy.memory.shapes]
        theirs = list(ours)
        for row, begins in zip(sequences.observation[:, robot], sequences.begins[:, robot], strict=True):
            if begins:
                ours, theirs = ([np.zeros_like(part) for part in state] for state in (ours, theirs))
            states = {STATE_INPUT.format(number): part for number, part in enumerate(theirs)}
            action, *theirs = session.run(outputs, {INPUT: row[None], **states})
            with torch.inference_mode():
                expected, following = policy(torch.from_numpy(row[None]), tuple(map(torch.from_numpy, ours)))
            ours = [part.numpy() for part in following]
            differences = [np.abs(action - expected.numpy()).max()]
            differences += [
                (np.abs(part - own) / np.maximum(1.0, np.abs(own))).max()
                for part, own in zip(theirs, ours, strict=True)
            ]
            largest = max(largest, *map(float, differences))
            if not all(map(np.isfinite, differences)):
                return float("nan")
    return largest
