"""Laws of reactions: the strongest wins, torque goes off by default, and always where nothing can be commanded."""

import itertools
from typing import get_args

import pytest

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.configs.schema.safety import NEVER_WITH_TORQUE, FaultName, Reaction
from sim2real.runtime.envelope.reaction import STRENGTH, TORQUE_OFF_REASONS, reaction_to
from sim2real.runtime.verdict import ALL_WELL, DAMP_REASONS, Reason, Violation, verdict_of

FAULTS = [reason for reason in Reason if not reason & (DAMP_REASONS | TORQUE_OFF_REASONS)]


def verdict(*reasons: Reason):
    return verdict_of(tuple(Violation(reason, 0, 0.0, 0.0) for reason in reasons))


def test_the_yaml_has_the_names_of_all_reasons():
    assert set(get_args(FaultName)) == {reason.name for reason in Reason}
    assert set(STRENGTH) == set(get_args(Reaction))
    assert {reason.name for reason in TORQUE_OFF_REASONS} == set(NEVER_WITH_TORQUE)


@pytest.mark.parametrize("reason", list(Reason))
def test_torque_goes_off_after_a_fault_that_the_yaml_does_not_name(reason):
    assert reaction_to(verdict(reason), {}) == "off"


def test_without_a_reason_torque_goes_off():
    assert reaction_to(ALL_WELL, dict.fromkeys(Reason, "hold")) == "off"


@pytest.mark.parametrize("reason", list(TORQUE_OFF_REASONS))
def test_no_yaml_keeps_torque_on_where_commands_are_not_to_be_trusted(reason):
    assert reaction_to(verdict(reason, Reason.TEMPERATURE), dict.fromkeys(Reason, "hold")) == "off"
    with pytest.raises(UserError, match="torque always goes off"):
        load_robot("pendulum", (f"safety.on_fault={{{reason.name}: damp}}",))
    load_robot("pendulum", (f"safety.on_fault={{{reason.name}: off}}",))


@pytest.mark.parametrize(("one", "other"), list(itertools.product(STRENGTH, STRENGTH)))
def test_of_two_reactions_the_stronger_is_taken(one, other):
    reactions = {FAULTS[0]: one, FAULTS[1]: other}
    assert reaction_to(verdict(FAULTS[0]), reactions) == one
    assert reaction_to(verdict(*FAULTS[:2]), reactions) == max(one, other, key=("hold", "damp", "limp", "off").index)


def test_a_reason_that_only_damps_has_no_say_beside_a_fault():
    reactions = {Reason.TEMPERATURE: "damp"}
    assert reaction_to(verdict(Reason.STALE_READING, Reason.TEMPERATURE), reactions) == "damp"
    assert reaction_to(verdict(Reason.STALE_READING), {Reason.STALE_READING: "hold"}) == "hold"
