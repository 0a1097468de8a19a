"""What a policy's file says of the results it had: of evaluation in simulation, and of scenarios."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sim2real.configs.errors import UserError
from sim2real.configs.library import ROOT
from sim2real.configs.regular_file import POLICY_BYTES_MAX, read_regular
from sim2real.runtime.contract.manifest import PROVENANCE_KEY, from_metadata
from sim2real.runtime.contract.model_file import metadata_of, with_digest, with_metadata
from sim2real.runtime.flash.durable import sync_folder, write_durable
from sim2real.runtime.signature.detached import signature_path

EVALUATION: Final = "evaluation"
"""Entry of the provenance: an `EvaluationResults` as JSON."""
HIL: Final = "hil"
"""Entry of the provenance: a `HilResults` as JSON."""

_NAMED_MAX: Final = 5


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True)

    at: str = Field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    """When, UTC."""
    sim2real: str = Field(default_factory=lambda: version("sim2real"))
    """The version that found them."""


class EvaluationRow(BaseModel):
    """Figures under one randomization."""

    randomization: str
    episodes: int
    return_mean: float
    success: float | None
    """Share; None for a task without a goal."""
    survival: float


class EvaluationResults(_Entry):
    """Results of episodes in simulation."""

    rows: tuple[EvaluationRow, ...]

    def words(self) -> str:
        """Return them in one line."""
        texts = [
            f"{row.randomization}: return {row.return_mean:.4g}, "
            f"{'' if row.success is None else f'success {row.success:.0%}, '}survival {row.survival:.0%} of "
            f"{row.episodes} episodes"
            for row in self.rows
        ]
        return f"evaluation on {self.at[:10]}: {'; '.join(texts)}"


class HilScenario(BaseModel):
    """What came of one scenario."""

    ok: bool
    digest: str
    """Of the run, the same each time; empty if it was refused."""


class HilResults(_Entry):
    """Results of scenarios."""

    plant: str
    scenarios: dict[str, HilScenario]

    def words(self) -> str:
        """Return them in one line."""
        failed = [name for name, each in self.scenarios.items() if not each.ok]
        more = ", …" if len(failed) > _NAMED_MAX else ""
        named = f"; failed: {', '.join(failed[:_NAMED_MAX])}{more}" if failed else ""
        count = len(self.scenarios)
        return f"HIL on {self.at[:10]}, {self.plant}: {count - len(failed)} of {count} scenarios as expected{named}"


def check_can_note(policy: Path) -> None:
    """Refuse a file that results cannot be written into.

    Raises:
        UserError: It is no ONNX file of the user's own, or it is signed.
    """
    if not policy.is_file():
        raise UserError(f"--note: {policy}: no file of a policy; give the ONNX file that the results are of")
    if policy.resolve().is_relative_to(ROOT.resolve()):
        raise UserError(f"--note: {policy}: is shipped with sim2real; copy it first")
    if os.path.lexists(beside := signature_path(policy)):
        raise UserError(
            f"--note: {policy}: is signed, and the signature would fit no longer; remove {beside.name} first"
        )


def note(policy: Path, results: EvaluationResults | HilResults) -> None:
    """Write results into a policy's file, in one step; it has another digest from then on.

    Raises:
        UserError: See `check_can_note`; or the file is no policy, or cannot be written.
    """
    check_can_note(policy)
    new = policy.with_name(f".{policy.name}.new")
    try:
        model = read_regular(policy, POLICY_BYTES_MAX)
        _, provenance = from_metadata(metadata_of(model))
        key = EVALUATION if isinstance(results, EvaluationResults) else HIL
        entries = {PROVENANCE_KEY: json.dumps(provenance | {key: results.model_dump_json()})}
        new.unlink(missing_ok=True)
        write_durable(new, with_digest(with_metadata(model, entries)))
        os.replace(new, policy)
        sync_folder(policy.absolute().parent)
    except OSError as error:
        raise UserError(f"{policy}: results cannot be written into it: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"{policy}: not a valid ONNX model: {error}") from error


def result_lines(provenance: Mapping[str, str]) -> list[str]:
    """Return the results in a policy's provenance, in words, one line each; what cannot be read is left out."""
    lines = []
    for key, kind in ((EVALUATION, EvaluationResults), (HIL, HilResults)):
        with suppress(ValidationError):
            if key in provenance:
                lines.append(kind.model_validate_json(provenance[key]).words())
    return lines
