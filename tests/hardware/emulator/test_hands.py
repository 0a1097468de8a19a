"""Laws of hands at the emulator: what they hold stays, what they unplug is gone, and orders come over a socket."""

import json
import math
import socket

import numpy as np
import pytest

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.conformance.rig import Rig
from sim2real.hardware.emulator.control_socket import ControlSocket
from sim2real.hardware.emulator.hand_orders import HandClient, obey
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.plant import make_plant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.errors import HardwareError, TorqueOnError
from sim2real.hardware.robot import RobotHardware

FAMILIES = ("quadruped", "so101", "hopper_leg")


@pytest.mark.parametrize("robot", FAMILIES)
@pytest.mark.parametrize("plant", ["inertia", "mujoco"])
def test_a_joint_follows_the_hand_against_gravity_and_stays_there(robot, plant):
    config = load_robot(robot)
    emulated = EmulatedRobot(config, make_plant(plant, config))
    name, joint = list(config.joints.items())[1]
    hands, target = emulated.hands, joint.default_position + 0.3
    hands.move(name, target, 2.0)
    emulated.advance_to(400_000_000)
    assert hands.arrived()
    assert abs(emulated.joint_angle(name) - target) < 2e-3
    hands.load(name, 0.3 * joint.effort_limit)
    emulated.advance_to(500_000_000)
    assert abs(emulated.joint_angle(name) - target) < 2e-3
    hands.release(name)
    emulated.advance_to(600_000_000)
    assert hands.state()["joints"][name]["held"] is False
    assert not emulated.hands.loads.any()


@pytest.mark.parametrize("robot", FAMILIES)
def test_a_hand_is_stronger_than_a_motor_and_a_load_is_not(robot):
    rig = Rig(load_robot(robot)).enabled()
    name, joint = rig.names[0], rig.joints[0]
    start = rig.plant.position[0]
    rig.emulated.hands.load(name, 0.3 * joint.effort_limit)
    rig.ticks(30)
    sagged = rig.plant.position[0] - start
    assert 0.0 < sagged < 0.6 * joint.effort_limit / joint.stiffness
    rig.emulated.hands.move(name, start - 0.2, 4.0)
    rig.ticks(30)
    assert math.isclose(rig.plant.position[0], start - 0.2, abs_tol=2e-3)
    assert rig.motors[0].torque_enabled


@pytest.mark.parametrize("robot", FAMILIES)
def test_a_disconnected_motor_is_gone_and_comes_back_without_torque(robot):
    rig = Rig(load_robot(robot)).enabled()
    hands, name = rig.emulated.hands, rig.names[-1]
    hands.disconnect(name)
    rig.ticks(3)
    np.testing.assert_array_equal(rig.state.fresh, [True] * (len(rig.names) - 1) + [False])
    assert not rig.motors[-1].torque_enabled
    rig.hardware.close()
    with pytest.raises(HardwareError, match=name):
        rig.driver().open()
    hands.connect(name)
    rig.wait(2.0)
    again = rig.driver()
    again.open()
    again.read(rig.state)
    assert rig.state.fresh.all()


def test_motors_are_connected_one_after_the_other_in_the_order_of_the_cable():
    rig = Rig(load_robot("so101"))
    hands, line = rig.emulated.hands, rig.emulated.lines["main"]
    before = list(line.motors)
    hands.disconnect("all")
    assert line.motors == []
    for count, name in enumerate(reversed(rig.names), 1):
        hands.connect(name)
        assert line.motors == before[-count:]


def test_an_unplugged_adapter_is_a_lost_port_until_it_is_plugged_in():
    config = load_robot("quadruped")
    emulated, clock = EmulatedRobot(config, make_plant("inertia", config)), VirtualClock()
    hardware = RobotHardware(config, lockstep_transports(emulated, clock), clock)
    emulated.hands.unplug("rear")
    with pytest.raises(TorqueOnError, match="'rear' vanished"):
        hardware.open()
    emulated.hands.plug("rear")
    hardware.open()
    emulated.hands.unplug()
    assert not any(port["plugged"] for port in emulated.hands.state()["ports"].values())


@pytest.mark.parametrize(
    ("order", "named"),
    [
        ({}, "no order None; valid: state, move"),
        ({"do": "push"}, "no order 'push'"),
        ({"do": "hold", "joint": "elbow"}, "no joint 'elbow'; valid: shoulder_pan"),
        ({"do": "unplug", "port": "usb"}, "no port 'usb'; valid: main, all"),
        ({"do": "move", "joint": "gripper"}, "angle"),
        ({"do": "move", "joint": "gripper", "angle": "1"}, "angle is '1'"),
        ({"do": "move", "joint": "gripper", "angle": math.nan}, "finite angle"),
        ({"do": "move", "joint": "gripper", "angle": 0.0, "speed": 0.0}, "speed above 0"),
        ({"do": "load", "joint": "gripper", "effort": math.inf}, "finite torque"),
        ({"do": "hold", "joint": "gripper", "angle": 1.0}, "angle"),
    ],
)
def test_an_order_that_means_nothing_is_refused(order, named):
    robot = load_robot("so101")
    hands = EmulatedRobot(robot, make_plant("inertia", robot)).hands
    with pytest.raises(UserError, match=named):
        obey(hands, order)


def test_each_line_on_the_socket_is_answered_also_in_pieces_and_when_it_is_no_order(tmp_path):
    served = ControlSocket(tmp_path / "hands", lambda order: {"heard": order["do"]})
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(served.path))
        client.sendall(b'{"do": "a"}\n{"do": ')
        served.attend()
        client.sendall(b'"b"}\nnonsense\n[]\n')
        served.attend()
        with client.makefile() as file:
            answers = [json.loads(file.readline()) for _ in range(4)]
    assert answers[:2] == [{"ok": True, "heard": "a"}, {"ok": True, "heard": "b"}]
    assert [answer["ok"] for answer in answers[2:]] == [False, False]
    served.attend()
    served.close()
    assert not served.path.exists()


def test_a_socket_of_a_dead_emulator_is_replaced_and_anything_else_is_refused(tmp_path):
    path = tmp_path / "hands"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    first = ControlSocket(path, lambda order: {})
    with pytest.raises(UserError, match="another emulator serves it"):
        ControlSocket(path, lambda order: {})
    first.close()
    path.write_text("notes")
    with pytest.raises(UserError, match="no socket"):
        ControlSocket(path, lambda order: {})
    with pytest.raises(UserError, match="no emulator answers"):
        HandClient(tmp_path / "nobody").state()


@pytest.mark.realtime
def test_hands_reach_an_emulator_in_a_process_of_its_own(emulator):
    emulated = emulator("sts3215_7v4", ids=(1, 2))
    emulated.hands.disconnect("motor_2")
    emulated.hands.move("motor_1", 0.4, 4.0)
    joints = emulated.hands.state()["joints"]
    assert math.isclose(joints["motor_1"]["position"], 0.4, abs_tol=2e-3)
    assert [joint["connected"] for joint in joints.values()] == [True, False]
