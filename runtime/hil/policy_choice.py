"""Which policy a scenario is run with."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from sim2real.configs.errors import UserError
from sim2real.configs.library import is_policy_path, shipped_policies
from sim2real.configs.policy_reference import shipped_policy
from sim2real.configs.schema.scenario import ScenarioConfig
from sim2real.runtime.policy import OnnxPolicy, load_policy


@lru_cache(maxsize=16)
def loaded(reference: str) -> OnnxPolicy:
    """Return the policy of a shipped name or a path, loaded once in this process. Raises UserError."""
    return load_policy(reference)


def choose_policy(scenario: ScenarioConfig, given: Sequence[str]) -> str:
    """Return the reference of a scenario's policy.

    Its own comes first; then the one of those given that was trained for its task; where none is given, the shipped
    policy with the task's name.

    Args:
        scenario: The scenario.
        given: Shipped names or paths, from the command line.

    Raises:
        UserError: There is none, or one of those given cannot be loaded.
    """
    if scenario.policy is not None:
        named = scenario.policy
        return named if is_policy_path(named) else str(shipped_policy(named))
    task = scenario.task.name
    for reference in given:
        if loaded(str(reference)).contract.task == task:
            return str(reference)
    if given:
        trained = ", ".join(
            f"{Path(str(reference)).name} for {loaded(str(reference)).contract.task!r}" for reference in given
        )
        raise UserError(
            f"scenario {scenario.name!r} is of task {task!r}, and no policy given was trained for it: {trained}"
        )
    if task in shipped_policies():
        return str(shipped_policy(task))
    raise UserError(f"scenario {scenario.name!r}: no policy is shipped for its task {task!r}; give one with --policy")
