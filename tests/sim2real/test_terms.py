"""Laws of terms: the schema names those that exist, each computes what its docstring says, none lacks what it needs."""

from typing import get_args

from configs.schema.task import RewardTermName, TerminationTermName
from sim2real.terms import REWARDS, TERMINATIONS


def test_the_schema_names_exactly_the_terms_that_exist() -> None:
    assert set(get_args(RewardTermName)) == set(REWARDS)
    assert set(get_args(TerminationTermName)) == set(TERMINATIONS)
