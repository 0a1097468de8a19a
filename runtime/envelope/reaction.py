"""The reaction to a fault: what the robot does before torque goes off."""

from collections.abc import Mapping
from typing import Final

from sim2real.configs.schema.safety import NEVER_WITH_TORQUE, Reaction
from sim2real.runtime.verdict import DAMP_REASONS, Reason, Verdict

STRENGTH: Final[tuple[Reaction, ...]] = ("hold", "damp", "limp", "off")
"""From the weakest to the strongest; of several reactions the strongest is taken."""

TORQUE_OFF_REASONS: Final = Reason(sum(Reason[name] for name in NEVER_WITH_TORQUE))
"""Reasons after which torque goes off at once, whatever the YAML says."""


def reaction_to(verdict: Verdict, on_fault: Mapping[Reason, Reaction]) -> Reaction:
    """Return the strongest of the reactions to a verdict's faults.

    Reasons that only damp have no say where there is a fault as well: a stale reading beside it is often its effect.

    Args:
        verdict: With at least one reason, or torque goes off.
        on_fault: Reaction to each reason; `off` for those that are not named.
    """
    faults = verdict.reasons & ~DAMP_REASONS or verdict.reasons
    if not faults or faults & TORQUE_OFF_REASONS:
        return "off"
    return max((on_fault.get(reason, "off") for reason in faults), key=STRENGTH.index)
