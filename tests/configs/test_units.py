"""Laws of units: every quantity has a unit, and survives a round trip through text."""

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2real.configs.units import format_quantity, parse_quantity, valid_units

DIMENSIONS = [
    "V", "A", "ohm", "N*m", "rad", "rad/s", "rad/s^2", "s", "Hz", "kg", "kg*m^2", "N*m*s/rad", "N*m/rad", "degC", "K/W",
    "J/K", "baud",
]  # fmt: skip
FINITE = st.floats(-1e12, 1e12)


@pytest.mark.parametrize(
    ("text", "dimension", "si"),
    [
        ("12 V", "V", 12.0),
        ("2.69 mA", "A", 0.00269),
        ("180 deg", "rad", math.pi),
        ("1 rev", "rad", 2 * math.pi),
        ("60 rpm", "rad/s", 2 * math.pi),
        ("1 kg*cm", "N*m", 0.0980665),
        ("1 Mbaud", "baud", 1e6),
        ("-1.5e-3 s", "s", -0.0015),
        ("2ms", "s", 0.002),
        ("  .5   kHz ", "Hz", 500.0),
        ("+3. g", "kg", 0.003),
    ],
)
def test_text_becomes_si(text: str, dimension: str, si: float) -> None:
    assert parse_quantity(text, dimension) == pytest.approx(si, rel=1e-15)


@given(FINITE, st.sampled_from(DIMENSIONS))
def test_every_float_survives_a_round_trip_bit_for_bit(si: float, dimension: str) -> None:
    back = parse_quantity(format_quantity(si, dimension), dimension)
    assert (back, math.copysign(1.0, back)) == (si, math.copysign(1.0, si))


@given(st.floats(-1e6, 1e6), st.sampled_from(DIMENSIONS), st.data())
def test_every_unit_is_proportional_to_its_si_unit(number: float, dimension: str, data: st.DataObject) -> None:
    unit = data.draw(st.sampled_from(valid_units(dimension)))
    one = parse_quantity(f"1.0 {unit}", dimension)
    assert parse_quantity(f"{number!r} {unit}", dimension) == number * one


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_the_si_unit_comes_first_and_is_one(dimension: str) -> None:
    assert valid_units(dimension)[0] == dimension
    assert parse_quantity(f"1 {dimension}", dimension) == 1.0


@given(FINITE, st.sampled_from(DIMENSIONS), st.sampled_from(DIMENSIONS))
def test_a_unit_of_another_dimension_is_refused_with_every_valid_one(number: float, dimension: str, other: str) -> None:
    if dimension == other:
        return
    with pytest.raises(ValueError, match="wrong unit") as caught:
        parse_quantity(format_quantity(number, other), dimension)
    assert str(caught.value).endswith(f"valid: {', '.join(valid_units(dimension))}")


@pytest.mark.parametrize("value", [12, 12.0, True, None, [], {}, float("nan")])
def test_a_value_without_a_unit_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="has no unit; write a number with a unit; valid: V, mV"):
        parse_quantity(value, "V")


@pytest.mark.parametrize("text", ["12", "1e5", "", " ", "V", "twelve V", "1_2 V", "0x10 V", "nan V", "inf V", "1,5 V"])
def test_text_without_a_number_and_a_unit_is_refused(text: str) -> None:
    # Once `12` was read as 1 with the unit `2`.
    with pytest.raises(ValueError, match=r"is not a number with a unit|has the wrong unit '(_2|x10|,5) V'"):
        parse_quantity(text, "V")


@pytest.mark.parametrize(("text", "meant"), [("1 Nm", "N*m"), ("1 N.m", "N*m"), ("1 mNm", "mN*m")])
def test_a_misspelt_unit_gets_a_hint(text: str, meant: str) -> None:
    with pytest.raises(ValueError, match="wrong unit") as caught:
        parse_quantity(text, "N*m")
    assert f"(did you mean {meant!r}?)" in str(caught.value)


@pytest.mark.parametrize("text", ["1e999 s", "1.1e12 s", "-1e300 s", "2e10 min"])
def test_a_number_too_large_to_compute_with_is_refused(text: str) -> None:
    # 1e300 s overflowed in whole nanoseconds, and a run ended in a traceback.
    with pytest.raises(ValueError, match=r"is too large to compute with; valid: up to 1e\+12 s"):
        parse_quantity(text, "s")


@given(st.text(max_size=80), st.sampled_from(DIMENSIONS))
def test_any_text_gives_a_finite_float_or_a_value_error(text: str, dimension: str) -> None:
    with contextlib.suppress(ValueError):
        assert math.isfinite(parse_quantity(text, dimension))


def test_a_very_long_text_is_refused_and_shown_shortened() -> None:
    with pytest.raises(ValueError, match="not a number with a unit") as caught:
        parse_quantity("1" * 1_000_000 + " V", "V")
    assert len(str(caught.value)) < 500
