"""Law of friction: every number says where it is from, and all numbers of a motor are of one fit of one model.

XL330-M288 once had the constants of BAM's richest model (M6) without its load-dependent terms, which carry most of the
friction there; five motors had a share of them.
"""

import re

import pytest

from sim2real.configs.library import shipped
from sim2real.configs.load import load_motor
from sim2real.configs.schema.friction import Friction
from sim2real.configs.schema.motor import MotorConfig

# Coulomb, N·m, and viscous, N·m·s/rad, at the output shaft: BAM (Extended friction models, ICRA 2025), with its
# parameters at github.com/Rhoban/bam. M1 is Coulomb-viscous alone; M6 has Stribeck and load terms beside these two.
FITS = {
    "xl330_m288": {"M1": (0.0128, 0.0037), "M6": (0.0048, 0.0054)},
    "sts3215_7v4": {"M1": (0.0524, 0.0591), "M6": (0.0533, 0.0282)},
    "sts3215_7v4_m6": {"M6": (0.0533, 0.0282)},
    "sts3215_12v": {"M1": (0.1959, 0.0305)},
}
TERMS = {"M1": {"coulomb", "viscous"}, "M6": {"coulomb", "viscous", "stribeck", "load"}}
SOURCE = re.compile(
    r"friction: (?:identified, (?P<model>\S+) (?:alone|terms) \(BAM (?P<fit>M\d), "
    r"|share of the stall torque as (?P<share>\w+),|the same as (?P<same>\w+),|(?P<own>estimate|calibrated),)"
)


def source(motor: MotorConfig) -> re.Match[str]:
    lines = [line for line in motor.source if line.startswith("friction")]
    assert len(lines) == 1, f"{motor.name}: one source line says where its friction is from"
    found = SOURCE.match(lines[0])
    assert found is not None, f"{motor.name}: {lines[0]!r} does not say where its friction is from"
    return found


def two_digits(value: float) -> float:
    return float(f"{value:.2g}")


@pytest.mark.parametrize("name", shipped("motors"))
def test_friction_names_its_source_and_is_what_the_source_says(name):
    motor = load_motor(name)
    found = source(motor)
    if found["fit"]:
        coulomb, viscous = FITS[name][found["fit"]]
        assert motor.friction.coulomb == pytest.approx(coulomb, rel=0.01)
        assert motor.friction.viscous == pytest.approx(viscous, rel=0.01)
    elif found["same"]:
        assert motor.friction == load_motor(found["same"]).friction
    elif found["share"]:
        other = load_motor(found["share"])
        ratio = motor.nominal.stall_torque / other.nominal.stall_torque
        speeds = other.nominal.no_load_speed / motor.nominal.no_load_speed
        assert motor.friction.coulomb == pytest.approx(two_digits(other.friction.coulomb * ratio))
        assert motor.friction.viscous == pytest.approx(two_digits(other.friction.viscous * ratio * speeds))


@pytest.mark.parametrize("name", shipped("motors"))
def test_a_fit_is_of_a_model_whose_every_term_the_schema_has(name):
    found = source(load_motor(name))
    if found["fit"]:
        assert TERMS[found["fit"]] <= set(Friction.model_fields)
        assert found["model"] == ("Coulomb-viscous" if found["fit"] == "M1" else "all")


@pytest.mark.parametrize("name", sorted(FITS))
def test_no_number_is_of_a_richer_model_than_the_motor(name):
    friction = load_motor(name).friction
    terms = {term for term in Friction.model_fields if getattr(friction, term) is not None}
    for fit, numbers in FITS[name].items():
        if not TERMS[fit] <= terms:
            assert (friction.coulomb, friction.viscous) != pytest.approx(numbers, rel=0.01)
