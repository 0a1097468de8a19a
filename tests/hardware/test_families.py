"""Laws of families: they are found by entry point only, and no driver loads the emulator."""

import fnmatch
import re
import subprocess
import sys
import tomllib
import types
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from sim2real.configs import families as registry
from sim2real.configs.errors import ConfigError
from sim2real.configs.families import MOTOR_FAMILIES, FamilySchema, part_of
from sim2real.configs.load import load_robot
from sim2real.configs.plugins import PluginError, Plugins
from sim2real.hardware.dynamixel.benchmark.tick import bench_tick
from sim2real.hardware.dynamixel.family import FAMILY
from sim2real.hardware.families import family_of_bus, installed_families, motor_family, when_silent
from sim2real.hardware.imu.family import imu_family

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ("configs", "hardware", "runtime", "sim2real", "training")
FOLDERS = ("dynamixel", "feetech", "moteus", "witmotion")
NAMES = re.compile("|".join(FOLDERS), re.IGNORECASE)


def sources() -> list[Path]:
    return [
        path
        for layer in LAYERS
        for path in (ROOT / layer).rglob("*.py")
        if not (layer == "sim2real" and path.relative_to(ROOT).parts[1] in LAYERS)
    ]


def test_only_its_own_folder_knows_the_name_of_a_family():
    outside = [path for path in sources() if not set(path.relative_to(ROOT).parts) & set(FOLDERS)]
    assert len(outside) > 200
    knowing = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in outside
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if NAMES.search(line)
    ]
    assert knowing == []


def test_the_contract_of_drivers_names_every_module_of_every_family_but_its_firmware():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (contract,) = [one for one in contracts if one["name"] == "a driver never imports the emulator"]
    assert "ignore_imports" not in contract
    modules = [
        "sim2real." + ".".join(path.relative_to(ROOT).with_suffix("").parts[:3])
        for folder in FOLDERS
        for path in (ROOT / "hardware" / folder).rglob("*.py")
        if path.name not in ("__init__.py", "family.py")
    ]
    drivers = [module for module in modules if not module.endswith(".firmware")]
    assert len(drivers) > 40
    assert [
        module
        for module in drivers
        if not any(fnmatch.fnmatchcase(module, pattern) for pattern in contract["source_modules"])
    ] == []


LOADED = """
import sys
from sim2real.configs.load import load_robot
robots = [load_robot(name) for name in ("pendulum", "so101", "hopper_leg", "quadruped")]
parts = ("driver", "firmware", "workbench", "gains")
early = [name for name in sys.modules if name.startswith("sim2real.hardware.") and name.split(".")[3:][:1] != []]
early = [name for name in early if name.split(".")[3] in parts]
assert not early, early
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.families import motor_family
from sim2real.hardware.imu.family import imu_family
from sim2real.hardware.robot import RobotHardware
for robot in robots:
    RobotHardware(robot, dict.fromkeys((*robot.buses, *robot.imus), None), VirtualClock())
    for joint in robot.joints.values():
        motor_family(joint.motor.family).position_law(joint, 12.0, 14.0)
        motor_family(joint.motor.family).workbench(None, VirtualClock())
import re
wrong = [name for name in sys.modules if re.match(r"sim2real\\.hardware\\.(emulator|\\w+\\.firmware)\\b", name)]
assert not wrong, wrong
"""


def test_configurations_load_no_driver_and_drivers_load_no_firmware():
    done = subprocess.run([sys.executable, "-P", "-c", LOADED], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_an_unknown_family_is_refused_with_the_installed_ones():
    with pytest.raises(ConfigError, match=r"no motor family named 'dinamixel' \(did you mean 'dynamixel'\?\); va"):
        motor_family("dinamixel")
    with pytest.raises(ConfigError, match="no IMU family named 'bno055'; valid: witmotion"):
        imu_family("bno055")
    bus = load_robot("pendulum").buses["main"].model_copy(update={"protocol": "canopen"})
    with pytest.raises(ConfigError, match="no protocol named 'canopen'; valid: dynamixel2, feetech, moteus"):
        family_of_bus(bus)


def test_an_imu_rate_above_the_maximum_of_its_family_is_refused():
    with pytest.raises(ConfigError, match=r"rate: 400 Hz is above the highest rate of witmotion; valid: up to 200 Hz"):
        load_robot("quadruped", ("imus.trunk.rate=400 Hz",))


def replaced(monkeypatch: pytest.MonkeyPatch, **parts: object) -> None:
    """Replace the installed families."""
    module = types.ModuleType("families_of_this_test")
    vars(module).update(parts)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    entries = [EntryPoint(name, f"{module.__name__}:{name}", "sim2real.motor_families") for name in parts]
    found = Plugins("sim2real.motor_families", "motor family", part_of(FamilySchema), find=lambda group: entries)
    monkeypatch.setattr("sim2real.configs.families.MOTOR_FAMILIES", found)
    monkeypatch.setattr("sim2real.hardware.families.MOTOR_FAMILIES", found)


def test_two_families_with_one_protocol_are_both_named(monkeypatch):
    replaced(monkeypatch, first=FAMILY, second=FAMILY)
    with pytest.raises(PluginError, match="first and second both have the protocol 'dynamixel2'"):
        registry.family_speaking("dynamixel2")


def test_an_entry_point_that_is_not_a_family_is_refused(monkeypatch):
    replaced(monkeypatch, bad=3)
    _, errors = installed_families()
    assert "is a int, not a FamilySchema" in str(errors[0])


def test_a_family_without_a_method_cannot_be_instantiated():
    with pytest.raises(TypeError, match="abstract method"):
        type("Half", (type(FAMILY).__mro__[1],), {})(**vars(FAMILY))


def test_when_silent_joins_the_texts_of_the_families():
    assert when_silent(load_robot("quadruped")) == MOTOR_FAMILIES["dynamixel"].when_silent
    assert "no watchdog" in when_silent(load_robot("so101"))


@pytest.mark.realtime  # other people's drivers wait as long as they like
def test_the_peer_of_the_benchmark_does_not_search_the_working_directory(tmp_path, monkeypatch):
    for name in ("multiprocessing", "select", "json", "pty", "sim2real"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('a user has a module of this name')")
    monkeypatch.chdir(tmp_path)
    measured = bench_tick(2, 0.2)
    assert measured["ratios"]["cpu"] > 0.0
    assert measured["figures"]["motors"] == 2.0
