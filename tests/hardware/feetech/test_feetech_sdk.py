"""Feetech's SDK as a client of the emulator over a pseudo-terminal."""

import time
from collections.abc import Iterator

import pytest
import scservo_sdk as sdk
from feetech_bench import TABLE, served
from scservo_sdk import port_handler

pytestmark = pytest.mark.realtime

MODEL, ID, BAUD, OFFSET, MODE, TORQUE, ACCELERATION, GOAL, SPEED, LOCK, POSITION = (
    3,
    5,
    6,
    31,
    33,
    40,
    41,
    42,
    46,
    55,
    56,
)


class Client:
    """The SDK with one port; return codes are checked here."""

    def __init__(self, path: str) -> None:
        self.port = sdk.PortHandler(path)
        self.packets = sdk.PacketHandler(0)
        assert self.port.openPort()
        assert self.port.setBaudRate(1_000_000)

    def read(self, size: int, motor: int, address: int) -> int:
        value, result, error = getattr(self.packets, f"read{size}ByteTxRx")(self.port, motor, address)
        assert (result, error) == (sdk.COMM_SUCCESS, 0)
        return value

    def write(self, size: int, motor: int, address: int, value: int) -> int:
        result, error = getattr(self.packets, f"write{size}ByteTxRx")(self.port, motor, address, value)
        assert result == sdk.COMM_SUCCESS
        return error

    def position(self, motor: int) -> int:
        return sdk.SCS_TOHOST(self.read(2, motor, POSITION), 15)

    def velocity(self, motor: int) -> int:
        return sdk.SCS_TOHOST(self.read(2, motor, POSITION + 2), 15)


@pytest.fixture
def served_robot():
    with served(joints=3) as server:
        yield server


@pytest.fixture
def client(served_robot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    # The SDK times out after twice this plus 2 ms; on a busy machine the emulator may run late.
    monkeypatch.setattr(port_handler, "LATENCY_TIMER", 150)
    client = Client(served_robot.ports["main"])
    # The SDK closes and opens the port while it sets the baud rate; retry until it works again.
    assert any(client.packets.ping(client.port, 1)[1] == sdk.COMM_SUCCESS for _ in range(5))
    yield client
    client.port.closePort()


def test_ping(client):
    assert client.packets.ping(client.port, 2) == (777, sdk.COMM_SUCCESS, 0)
    assert client.packets.ping(client.port, 9)[1] == sdk.COMM_RX_TIMEOUT


def test_a_table_read_gives_the_factory_values(client):
    data, result, error = client.packets.readTxRx(client.port, 1, 0, 40)
    assert (result, error) == (sdk.COMM_SUCCESS, 0)
    for register in TABLE:
        if register.area == "eeprom" and register.name != "id":
            assert register.decode(bytes(data[register.address : register.end])) == register.initial, register.name


def test_torque_group_write_and_polling_to_convergence(client, served_robot):
    goals = {1: 2300, 2: 1700, 3: 2100}
    for motor in goals:
        client.write(1, motor, TORQUE, 1)
    group = sdk.GroupSyncWrite(client.port, client.packets, ACCELERATION, 7)
    for motor, goal in goals.items():
        speed = 600
        data = [0, goal & 0xFF, goal >> 8, 0, 0, speed & 0xFF, speed >> 8]
        assert group.addParam(motor, data)
    assert group.txPacket() == sdk.COMM_SUCCESS
    read = sdk.GroupSyncRead(client.port, client.packets, POSITION, 4)
    for motor in goals:
        assert read.addParam(motor)
    fastest = dict.fromkeys(goals, 0)
    deadline = time.monotonic() + 30.0
    while True:
        assert time.monotonic() < deadline
        assert read.txRxPacket() == sdk.COMM_SUCCESS
        position = {motor: sdk.SCS_TOHOST(read.getData(motor, POSITION, 2), 15) for motor in goals}
        for motor in goals:
            velocity = sdk.SCS_TOHOST(read.getData(motor, POSITION + 2, 2), 15)
            fastest[motor] = max(fastest[motor], velocity, key=abs)
        if all(abs(position[motor] - goals[motor]) <= 4 for motor in goals) and client.velocity(1) == 0:
            break
    assert 300 < fastest[1] < 900
    assert -900 < fastest[2] < -300
    for motor in goals:
        client.write(1, motor, TORQUE, 0)
    assert not any(motor.torque_enabled for motor in served_robot.emulated.motors.values())


def test_speed_mode_turns_with_the_commanded_sign(client):
    client.write(1, 1, MODE, 1)
    client.write(1, 1, TORQUE, 1)
    client.write(2, 1, SPEED, sdk.SCS_TOSCS(-500, 15))
    deadline = time.monotonic() + 30.0
    while abs(client.velocity(1) + 500) > 60:
        assert time.monotonic() < deadline
    client.write(1, 1, TORQUE, 0)


def test_an_alarm_is_in_the_error_byte_and_does_not_refuse(client, served_robot):
    motor = served_robot.emulated.motors["pivot"]
    motor.memory.set("max_voltage_limit", 100)  # 10 V, below the supply
    deadline = time.monotonic() + 30.0
    while True:
        result, error = client.packets.write1ByteTxRx(client.port, 1, TORQUE, 1)
        assert result == sdk.COMM_SUCCESS
        if error:
            break
        assert time.monotonic() < deadline
    assert error == 1
    assert "voltage" in client.packets.getRxPacketError(error)
    assert motor.torque_enabled  # unloading condition 44 does not include the voltage bit


def test_registered_writes_wait_for_the_action(client):
    assert client.packets.regWriteTxRx(client.port, 1, ACCELERATION, 1, [50]) == (sdk.COMM_SUCCESS, 0)
    assert client.read(1, 1, ACCELERATION) == 0
    assert client.read(1, 1, 64) == 1
    assert client.packets.action(client.port, sdk.BROADCAST_ID) == sdk.COMM_SUCCESS
    assert client.read(1, 1, ACCELERATION) == 50
    assert client.read(1, 1, 64) == 0


def test_an_id_is_persistent_only_if_changed_while_unlocked(client, served_robot):
    client.write(1, 3, LOCK, 0)
    client.write(1, 3, ID, 7)
    client.write(1, 7, LOCK, 1)
    client.write(1, 2, ID, 8)
    assert [client.packets.ping(client.port, motor)[1] for motor in (7, 8)] == [sdk.COMM_SUCCESS] * 2
    for motor in (7, 8):
        client.packets.txPacket(client.port, [0, 0, motor, 2, 8, 0])  # reboot; the SDK has no name for it
        client.port.is_using = False
    time.sleep(0.3)
    client.port.ser.reset_input_buffer()
    assert [client.packets.ping(client.port, motor)[1] for motor in (7, 2)] == [sdk.COMM_SUCCESS] * 2


@pytest.mark.parametrize(("code", "baudrate"), [(1, 500_000), (4, 115_200), (7, 38_400)])
def test_the_baud_rate_can_be_changed_and_the_old_one_gets_no_reply(client, code, baudrate):
    client.write(1, 1, LOCK, 0)
    assert client.write(1, 1, BAUD, code) == 0
    assert client.packets.ping(client.port, 1)[1] != sdk.COMM_SUCCESS
    client.port.setBaudRate(baudrate)
    assert client.packets.ping(client.port, 1) == (777, sdk.COMM_SUCCESS, 0)


def test_torque_128_makes_the_present_position_the_centre(client):
    client.write(1, 1, TORQUE, 1)
    client.write(2, 1, GOAL, 2600)
    deadline = time.monotonic() + 30.0
    while abs(client.position(1) - 2600) > 4 or client.velocity(1):
        assert time.monotonic() < deadline
    client.write(1, 1, TORQUE, 0)
    client.write(1, 1, TORQUE, 128)
    assert abs(client.position(1) - 2048) <= 1
    assert abs(sdk.SCS_TOHOST(client.read(2, 1, OFFSET), 11) - 552) <= 5
