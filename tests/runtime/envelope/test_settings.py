"""Laws of safety's settings: the tighter of both envelopes, and every limit of the YAML reaches safety."""

import math

import pytest

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.configs.schema.robot import JointConfig
from sim2real.configs.schema.safety import SafetyConfig
from sim2real.runtime.contract.robot import SafetySpec, robot_spec
from sim2real.runtime.envelope.settings import JointSettings, SafetySettings, envelope_notices, safety_settings, tighter
from sim2real.runtime.verdict import Reason

OWN = robot_spec(load_robot("pendulum")).safety

# Of each limit, a value that allows less.
TIGHTER = {
    "reading_age_max": 0.02,
    "communication_loss": 0.1,
    "missed_ticks_max": 3,
    "temperature_max": 50.0,
    "voltage_min": 11.0,
    "voltage_max": 13.0,
    "position_margin": 0.1,
    "velocity_margin": 0.5,
}


def test_every_limit_of_the_envelope_is_swept_below():
    assert set(TIGHTER) == set(SafetySpec.model_fields) - {"watchdog"}


def test_the_watchdog_is_the_robot_s_own():
    """It is armed in the motors, by drivers that know nothing of policies."""
    other = OWN.model_copy(update={"watchdog": 0.05})
    assert tighter(OWN, other) == OWN
    assert envelope_notices(OWN, other) == ()


@pytest.mark.parametrize("name", TIGHTER)
def test_the_tighter_limit_holds_whichever_side_it_is_on_and_only_that_of_the_policy_is_news(name):
    other = OWN.model_copy(update={name: TIGHTER[name]})
    assert tighter(OWN, other) == tighter(other, OWN) == other
    assert tighter(OWN, OWN) == OWN
    (notice,) = envelope_notices(OWN, other)
    assert notice.startswith(f"safety.{name}: ")
    assert f"{TIGHTER[name]:g}" in notice
    assert envelope_notices(other, OWN) == ()


@pytest.mark.parametrize("low", [15.0, OWN.voltage_max])
def test_supplies_with_no_voltage_in_common_are_refused(low):
    with pytest.raises(UserError, match=f"trained for {low:g} to 20 V, and the robot allows 10 to 14.8 V"):
        tighter(OWN, OWN.model_copy(update={"voltage_min": low, "voltage_max": 20.0}))


def test_what_the_yaml_does_not_limit_is_infinite():
    settings = safety_settings(load_robot("pendulum", ("joints.pivot.stall_effort=0.5 N*m",)))
    assert settings.envelope == OWN
    assert settings.joints[0].acceleration_max == settings.joints[0].jerk_max == math.inf
    assert settings.joints[0].stall_effort == 0.5
    assert settings.operator_timeout == math.inf


def test_limits_of_the_yaml_reach_safety():
    robot = load_robot(
        "quadruped",
        (
            "safety.tilt_max=60 deg",
            "safety.tracking_error_max=0.4 rad",
            "joints.rear_left_knee.tracking_error_max=0.2 rad",
            "joints.rear_left_knee.acceleration_limit=50 rad/s^2",
            "safety.on_fault={TEMPERATURE: damp}",
            "safety.operator_timeout=0.5 s",
            "safety.temperature_derating=60 degC",
        ),
    )
    settings = safety_settings(robot, robot_spec(robot).safety.model_copy(update={"temperature_max": 65.0}))
    assert settings.envelope.temperature_max == 65.0
    assert settings.tilt_max == pytest.approx(math.pi / 3)
    assert [joint.tracking_error_max for joint in settings.joints] == [0.4] * 8 + [0.2] + [0.4] * 3
    assert settings.joints[8].acceleration_max == 50.0
    assert settings.buses == ("front", "rear")
    assert [joint.bus for joint in settings.joints] == [0] * 6 + [1] * 6
    assert settings.on_fault == {Reason.TEMPERATURE: "damp"}
    assert (settings.operator_timeout, settings.temperature_derating) == (0.5, 60.0)


def test_a_joint_has_the_voltages_of_its_supply_where_it_names_one():
    joints = safety_settings(load_robot("koch_follower")).joints
    assert [joint.voltage_range for joint in joints] == [None] * 2 + [(4.5, 6.0)] * 4


def test_defaults_are_those_of_the_yaml():
    settings = SafetySettings(envelope=OWN, joints=(JointSettings(),))
    for name, field in SafetyConfig.model_fields.items():
        if field.default is None:
            assert getattr(settings, name, math.inf) == math.inf
        elif not field.is_required() and field.default_factory is None and hasattr(settings, name):
            assert getattr(settings, name) == field.default
    assert JointSettings().thermal_time == JointConfig.model_fields["thermal_time"].default
    assert (settings.on_fault, settings.buses, JointSettings().bus) == ({}, ("main",), 0)
