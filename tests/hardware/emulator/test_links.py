"""Laws of lasting port names, and of emulated motors that are not factory-new."""

import pytest
from emulated import robot_of

from sim2real.configs.errors import UserError
from sim2real.hardware.emulator.links import PortLinks
from sim2real.hardware.emulator.plant import InertiaPlant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.emulator.settings_file import load_settings
from sim2real.hardware.workbench.backup import MotorBackup, write_backups


def test_a_link_leads_to_the_port_until_it_is_removed(tmp_path):
    link = tmp_path / "arm"
    links = PortLinks(link, {"main": "/dev/pts/7"})
    assert str(link.readlink()) == "/dev/pts/7"
    links.remove()
    links.remove()
    assert not link.is_symlink()


def test_several_ports_get_their_names(tmp_path):
    PortLinks(tmp_path / "dog", {"front": "/dev/pts/1", "rear": "/dev/pts/2"})
    assert str((tmp_path / "dog-front").readlink()) == "/dev/pts/1"
    assert str((tmp_path / "dog-rear").readlink()) == "/dev/pts/2"


def test_a_link_left_by_a_killed_emulator_is_replaced_and_a_newer_one_is_left_alone(tmp_path):
    link = tmp_path / "arm"
    old = PortLinks(link, {"main": "/dev/pts/1"})
    new = PortLinks(link, {"main": "/dev/pts/2"})
    old.remove()
    assert str(link.readlink()) == "/dev/pts/2"
    new.remove()
    assert not link.is_symlink()


def test_a_file_of_that_name_is_kept(tmp_path):
    link = tmp_path / "arm"
    link.write_text("mine")
    with pytest.raises(UserError, match="no link"):
        PortLinks(link, {"main": "/dev/pts/1"})
    assert link.read_text() == "mine"
    with pytest.raises(UserError, match="No such file"):
        PortLinks(tmp_path / "no" / "arm", {"main": "/dev/pts/1"})


def _emulated():
    robot = robot_of(2)
    return EmulatedRobot(robot, InertiaPlant(robot))


def _file(tmp_path, motor_id=2, **settings):
    path = tmp_path / "used.yaml"
    write_backups(path, [MotorBackup(motor_id, "dynamixel2", 57_600, 1020, settings)])
    return path


def test_settings_of_a_backup_are_those_of_the_emulated_motor(tmp_path):
    emulated = _emulated()
    load_settings(_file(tmp_path, homing_offset=77, drive_mode=1), emulated)
    first, second = emulated.motors.values()
    assert (first.read_register("homing_offset"), second.read_register("homing_offset")) == (0, 77)
    assert second.read_register("drive_mode") == 1


@pytest.mark.parametrize(
    ("motor_id", "settings", "named"),
    [
        (2, {"nothing": 1}, "motor 2: nothing"),
        (2, {"drive_mode": 99}, "drive_mode = 99"),
        (9, {}, "no motor with id 9"),
    ],
)
def test_settings_that_do_not_fit_are_refused_by_name(tmp_path, motor_id, settings, named):
    with pytest.raises(UserError, match=named):
        load_settings(_file(tmp_path, motor_id, **settings), _emulated())
