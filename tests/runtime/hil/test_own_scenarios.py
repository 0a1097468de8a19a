"""The plugin in this project's own suite: shipped scenarios, and motors for a driver that is not ours."""

import pytest
import serial


@pytest.mark.parametrize("name", ["pendulum_silent_motor", "pendulum_unplugged", "pendulum_jumping_encoder"])
def test_a_shipped_scenario_ends_as_expected(scenario, name):
    assert scenario(name).ok


@pytest.mark.realtime
def test_motors_without_a_robot_answer_a_driver_of_any_origin(emulator):
    motors = emulator("sts3215_7v4", ids=range(1, 7))
    assert motors.ids == (1, 2, 3, 4, 5, 6)
    with serial.Serial(motors.port, motors.baudrate, timeout=1.0) as port:
        for motor_id in motors.ids:
            port.write(bytes([0xFF, 0xFF, motor_id, 2, 1, ~(motor_id + 3) & 0xFF]))  # ping, length 2, instruction 1
            # Header, id, length 2, no error, and the inverted sum, as the protocol's manual has it.
            assert port.read(6) == bytes([0xFF, 0xFF, motor_id, 2, 0, ~(motor_id + 2) & 0xFF])


@pytest.mark.realtime
@pytest.mark.parametrize(
    ("motor", "ids", "message"),
    [
        ("sts3215_7v4", [1, 1], "different ids"),
        ("sts3215_7v4", [300], "one or more different ids"),
        ("sts3215_7v4", [], "one or more different ids"),
        ("sts3215", [1], "no motors entry named 'sts3215'"),
    ],
)
def test_motors_that_cannot_be_are_refused(emulator, motor, ids, message):
    with pytest.raises(pytest.fail.Exception, match=message):
        emulator(motor, ids=ids)
