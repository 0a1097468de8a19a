"""The same seeds give the same bits as in the versions before: simulation, emulated runs and learners.

A change that is meant to alter them takes the digests anew and says why:
`python tests/system/same_bits.py tests/system/data/digests.json`.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from same_bits import arithmetic, parts

FILE = Path(__file__).parent / "data/digests.json"
BEFORE = json.loads(FILE.read_text(encoding="utf-8"))
PARTS = dict(parts())


@pytest.fixture(scope="module")
def same_arithmetic() -> None:
    here = arithmetic()
    if here != BEFORE["arithmetic"]:
        pytest.skip(
            f"this machine's arithmetic is {here}, that of the digests {BEFORE['arithmetic']}: another processor or "
            "other versions of the libraries round differently"
        )


def test_every_part_has_a_digest_and_no_digest_is_left_over() -> None:
    assert sorted(PARTS) == sorted(BEFORE["digests"]), f"take them anew: python tests/system/same_bits.py {FILE}"


@pytest.mark.usefixtures("same_arithmetic")
@pytest.mark.parametrize("name", BEFORE["digests"])
def test_the_bits_are_the_same(name: str) -> None:
    make: Callable[[], str] = PARTS[name]
    assert make() == BEFORE["digests"][name], "other bits than before from the same seeds"
