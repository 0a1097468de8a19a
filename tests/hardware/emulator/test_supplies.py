"""Laws of several supplies on one robot: motors of one bus have the voltage, the sag and the limits of their own."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from sim2real.configs.errors import ConfigError
from sim2real.configs.library import ROOT
from sim2real.configs.load import load_robot
from sim2real.configs.schema.fault import WeakSupplyFaultConfig
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.conformance.rig import Rig
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.plant import InertiaPlant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.families import family_of_bus
from sim2real.hardware.workbench.robot_check import check_joints

MIXED = ("koch_follower", "omx_follower")
"""Robots with 12 V and 5 V on one bus."""


def second_supply(name: str, volts: float) -> RobotConfig:
    """Return a shipped robot whose last joint hangs on a supply of its own, of any family."""
    robot = load_robot(name).model_dump()
    raw = yaml.safe_load((ROOT / "robots" / f"{name}.yaml").read_text())
    last = list(robot["joints"])[-1]
    raw["supplies"] = {"aside": {"voltage": f"{volts} V"}}
    raw["safety"]["voltage_ranges"] = {"aside": [f"{0.9 * volts} V", f"{1.1 * volts} V"]}
    raw["joints"][last]["supply"] = "aside"
    raw.pop("model", None)
    return RobotConfig.model_validate(_spliced(raw, load_robot(name)))


def _spliced(raw: dict, known: RobotConfig) -> dict:
    for name, joint in raw["joints"].items():
        joint["motor"] = known.joints[name].motor
    return raw


def volts_of(robot: RobotConfig) -> list[float]:
    return [robot.supply_of(joint).voltage for joint in robot.joints.values()]


@pytest.mark.parametrize("name", MIXED)
def test_every_motor_reads_the_voltage_of_its_supply(name: str) -> None:
    rig = Rig(load_robot(name)).enabled()
    rig.ticks(60)
    np.testing.assert_allclose(rig.state.voltage, volts_of(rig.config), atol=0.11)
    assert len(set(volts_of(rig.config))) == 2


@pytest.mark.parametrize(("name", "volts"), [("quadruped", 14.0), ("so101", 6.0), ("hopper_leg", 30.0)])
def test_a_second_supply_is_read_on_every_family(name: str, volts: float) -> None:
    robot = second_supply(name, volts)
    rig = Rig(robot).enabled()
    rig.ticks(60)
    np.testing.assert_allclose(rig.state.voltage, volts_of(robot), atol=0.6 if name == "hopper_leg" else 0.11)


def faulty(name: str, *faults: object) -> EmulatedRobot:
    robot = load_robot(name)
    return EmulatedRobot(robot, InertiaPlant(robot), FaultsConfig(name="supply", faults=faults))


@pytest.mark.parametrize("name", MIXED)
def test_a_supply_that_fails_takes_its_own_motors_only(name: str) -> None:
    for supply in (None, "converter"):
        fault = {"kind": "brown_out", "voltage": "1 V", "start": "30 ms"} | ({"supply": supply} if supply else {})
        rig = Rig(load_robot(name), fault).enabled()
        assert all(rig.torques())
        rig.emulated.advance_to(rig.clock.now_ns() + 50_000_000)  # nobody feeds the watchdogs for longer
        assert rig.torques() == [joint.supply != supply for joint in rig.joints]
        assert rig.emulated.snapshot()["supplies"]["converter"] == pytest.approx(1.0 if supply else 5.0, abs=0.01)


@pytest.mark.parametrize("name", MIXED)
def test_the_load_of_one_supply_does_not_make_the_other_sag(name: str) -> None:
    weak = WeakSupplyFaultConfig(kind="weak_supply", resistance="5 ohm", since="power_up")
    emulated = faulty(name, weak)
    emulated.advance_to(10_000_000)
    duty = [1.0] * len(emulated.motors)
    for _ in range(20):
        emulated.electrics.step(duty, [0.0] * len(duty))
    own, converter = emulated.electrics.supplies[None], emulated.electrics.supplies["converter"]
    assert own.voltage < 0.6 * own.nominal
    stalled = [joint.motor.nominal for joint in emulated.config.joints.values() if joint.supply]
    conductance = sum(each.stall_torque * each.no_load_speed / each.voltage**2 for each in stalled)
    assert converter.voltage == pytest.approx(5.0 / (1.0 + 0.1 * conductance), rel=0.02)


@pytest.mark.parametrize(("name", "volts"), [("quadruped", 14.0), ("so101", 6.0), ("hopper_leg", 30.0)])
def test_a_motor_on_another_supply_than_the_yaml_says_is_named(name: str, volts: float) -> None:
    robot = second_supply(name, volts)
    wired = robot.model_copy(
        update={"joints": {k: j.model_copy(update={"supply": None}) for k, j in robot.joints.items()}}
    )
    clock, emulated = VirtualClock(), EmulatedRobot(wired, InertiaPlant(wired))
    last = list(robot.joints)[-1]
    bus_name = robot.joints[last].bus
    bus = robot.buses[bus_name]
    bench = family_of_bus(bus).workbench(lockstep_transports(emulated, clock)[bus_name], clock)
    said = {check.joint: check.audit.refusals for check in check_joints(robot, bus_name, bench)}
    assert any("hangs on another supply" in line and "'aside'" in line for line in said[last])
    assert not any("another supply" in line for joint, lines in said.items() if joint != last for line in lines)


def edited(tmp_path: Path, old: str, new: str) -> str:
    text = (ROOT / "robots" / "koch_follower.yaml").read_text()
    assert old in text
    path = tmp_path / "arm.yaml"
    path.write_text(text.replace(old, new, 1))
    return str(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "    supply: converter\n",
            "",
            "'xl330_m288' takes 3.5 to 7 V, and supply_voltage is 12 V; valid: a supply of its",
        ),
        ("{voltage: 5 V}", "{voltage: 9 V}", "and supply 'converter' is 9 V"),
        ("supply: converter", "supply: convertor", "no supply 'convertor'; valid: converter"),
        ("    converter: [4.5 V, 6 V]", "    conv: [4.5 V, 6 V]", "no supply 'conv'; valid: converter"),
        ("  voltage_ranges:\n    converter: [4.5 V, 6 V]\n", "", "its limits are missing; give safety.voltage_ranges"),
        ("[4.5 V, 6 V]", "[6 V, 4.5 V]", "must be ordered, low before high"),
    ],
)
def test_a_motor_without_a_supply_of_its_voltage_is_refused_when_it_is_loaded(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        load_robot(edited(tmp_path, old, new))
    assert message in str(refused.value)
