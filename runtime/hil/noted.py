"""Writes the results of scenarios into the files of the policies that they are of."""

from collections.abc import Sequence
from pathlib import Path

from sim2real.configs.errors import UserError
from sim2real.runtime.hil.job import JobResult
from sim2real.runtime.policy_results import HilResults, HilScenario, check_can_note, note


def check_noted(policies: Sequence[str], overrides: Sequence[str]) -> None:
    """Refuse before anything runs what could not be noted afterwards. Raises UserError."""
    if not policies:
        raise UserError("--note: give the policy whose file gets the results: --policy FILE")
    if overrides:
        raise UserError("--note: the results of scenarios that --set has changed are not the policy's own")
    for each in policies:
        check_can_note(Path(each))


def note_results(jobs: Sequence[JobResult], policies: Sequence[str]) -> None:
    """Write into each policy's file the results of the scenarios that it was run with. Raises UserError."""
    for policy in dict.fromkeys(policies):
        own = {each.name: each for each in jobs if each.policy == policy}
        plants = {each.result.plant for each in own.values() if each.result is not None}
        scenarios = {
            name: HilScenario(ok=each.ok, digest=each.result.digest if each.result is not None else "")
            for name, each in own.items()
        }
        if scenarios:
            note(Path(policy), HilResults(plant=", ".join(sorted(plants)), scenarios=scenarios))
