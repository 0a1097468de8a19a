"""Exports a policy as one C99 file, and compares it with onnxruntime where there is a compiler."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from sim2real.configs.errors import UserError
from sim2real.configs.regular_file import POLICY_BYTES_MAX, read_regular
from sim2real.runtime.policy import OnnxPolicy, load_policy
from sim2real.training.c_source.literals import prefix_of
from sim2real.training.c_source.source import CSource, c_source
from sim2real.training.c_source.trial import Agreement, compare, compiler, prepare, run_source
from sim2real.training.checkpoint import write_atomically

AGREEMENT_MAX: Final = 1e-6
"""Largest allowed difference between C and onnxruntime, as a share of the largest action. Of both, which sum floats in
different orders, onnxruntime is the one that is farther from the exact result."""
_TICKS: Final = 1000


@dataclass(frozen=True)
class CReport:
    """Result of an export to C."""

    path: Path
    prefix: str
    size_bytes: int
    """Of the file."""
    weights_bytes: int
    state_bytes: int
    multiplications: int
    """Of the network, in one tick."""
    agreement: Agreement | None
    """With onnxruntime and the contract's pipelines; None where there is no compiler to try it with."""

    def document(self) -> dict[str, Any]:
        """Return the report as plain data."""
        found = self.agreement
        return {
            "policy": str(self.path),
            "prefix": self.prefix,
            "size_bytes": self.size_bytes,
            "weights_bytes": self.weights_bytes,
            "state_bytes": self.state_bytes,
            "multiplications": self.multiplications,
            "compiled": found is not None,
            "difference": None if found is None else found.largest,
            "observations": 0 if found is None else found.observations,
        }


def source_of(policy: OnnxPolicy, prefix: str, *, external: bool = False) -> CSource:
    """Return the C source of a loaded policy. Raises as `c_source`; the message names the file."""
    model = read_regular(policy.path, POLICY_BYTES_MAX)
    try:
        return c_source(model, policy.contract, policy.digest, prefix, policy.provenance, external=external)
    except UserError as error:
        raise UserError(f"{policy.path}: {error}") from error


def export_c(policy: Path, output: Path, weights: Path | None = None) -> CReport:
    """Write a policy as C, atomically.

    Args:
        policy: A run's folder, a shipped policy or an ONNX file.
        output: The file; its name without suffix is the prefix of all names in it.
        weights: File for the weights, which the C source then leaves out.

    Raises:
        UserError: The policy cannot be written as C, C and onnxruntime differ by more than `AGREEMENT_MAX`, or the file
            cannot be written.
    """
    prefix = prefix_of(output.stem)
    if output.suffix != ".c":
        raise UserError(f"{output}: valid: a file that ends in .c")
    with TemporaryDirectory(prefix="sim2real-export-") as folder:
        loaded = load_policy(_onnx_of(policy, Path(folder)))
        source = source_of(loaded, prefix)
        agreement = _agreement(source, loaded, output) if compiler() is not None else None
        if weights is not None:
            source = source_of(loaded, prefix, external=True)
            write_atomically(weights, source.weights)
    content = source.text.encode("ascii")
    write_atomically(output, content)
    return CReport(
        path=output,
        prefix=prefix,
        size_bytes=len(content),
        weights_bytes=source.weights_bytes,
        state_bytes=source.state_bytes,
        multiplications=source.multiplications,
        agreement=agreement,
    )


def _onnx_of(policy: Path, folder: Path) -> Path:
    """Return the ONNX file of a policy: a run's is exported into the folder."""
    if not policy.is_dir():
        return policy
    from sim2real.training.gymnasium.saved import is_for_gymnasium
    from sim2real.training.saved_policy import export_run, load_saved_policy

    if is_for_gymnasium(policy):
        raise UserError(f"{policy}: its policy is for an environment of Gymnasium's and has no contract to write as C")
    if load_saved_policy(policy).experiment.privileged_policy:
        raise UserError(f"{policy}: its policy sees privileged values and has no contract to write as C")
    return export_run(policy, folder / "policy.onnx").path


def _agreement(source: CSource, policy: OnnxPolicy, output: Path) -> Agreement:
    trial = prepare(policy, _TICKS)
    found = compare(run_source(source, trial, policy.contract), trial)
    if not found.largest <= AGREEMENT_MAX:
        raise UserError(
            f"{output}: not written: C and onnxruntime differ by {found.largest:.3g} of the largest value, "
            f"more than {AGREEMENT_MAX:g}"
        )
    return found
