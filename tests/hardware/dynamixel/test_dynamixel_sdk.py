"""The vendor's SDK as a client of the emulator over a pseudo-terminal."""

import time
from collections.abc import Iterator

import pytest
from dynamixel_sdk import (
    COMM_RX_TIMEOUT,
    COMM_SUCCESS,
    GroupBulkRead,
    GroupBulkWrite,
    GroupSyncRead,
    GroupSyncWrite,
    PacketHandler,
    PortHandler,
    port_handler,
)
from served import served

pytestmark = pytest.mark.realtime

POSITION, LED, TORQUE, MODE, GOAL_CURRENT, GOAL_POSITION = 132, 65, 64, 11, 102, 116


class Client:
    """The SDK with one port; return codes are checked here."""

    def __init__(self, path: str, baudrate: int = 1_000_000) -> None:
        self.port = PortHandler(path)
        self.packets = PacketHandler(2.0)
        assert self.port.openPort()
        assert self.port.setBaudRate(baudrate)

    def read(self, size: int, motor: int, address: int) -> int:
        value, result, error = getattr(self.packets, f"read{size}ByteTxRx")(self.port, motor, address)
        assert (result, error) == (COMM_SUCCESS, 0)
        return value

    def write(self, size: int, motor: int, address: int, value: int) -> int:
        result, error = getattr(self.packets, f"write{size}ByteTxRx")(self.port, motor, address, value)
        assert result == COMM_SUCCESS
        return error


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    # The SDK times out after twice this plus 2 ms; on a busy machine the emulator may run late.
    monkeypatch.setattr(port_handler, "LATENCY_TIMER", 150)
    with served(joints=3) as server:
        client = Client(server.ports["main"])
        yield client
        client.port.closePort()


def test_ping(client):
    assert client.packets.ping(client.port, 2) == (1020, COMM_SUCCESS, 0)
    assert client.packets.ping(client.port, 9)[1] == COMM_RX_TIMEOUT


def test_broadcast_ping(client):
    assert client.packets.broadcastPing(client.port) == ({i: [1020, 46] for i in (1, 2, 3)}, COMM_SUCCESS)


def test_read_and_write(client):
    assert client.read(2, 1, 0) == 1020
    assert client.read(4, 1, POSITION) == 2048
    assert client.write(1, 1, LED, 1) == 0
    assert client.read(1, 1, LED) == 1


def test_error_statuses(client):
    assert client.write(2, 1, 0, 1) == 7  # read only
    assert client.write(1, 1, LED, 2) == 4  # out of range
    assert client.write(1, 1, GOAL_POSITION, 1) == 5  # part of a register
    assert client.write(4, 1, GOAL_POSITION, 5000) == 6  # beyond Max Position Limit
    client.write(1, 1, TORQUE, 1)
    assert client.write(1, 1, MODE, 0) == 7  # EEPROM is locked


def test_sync_read(client):
    group = GroupSyncRead(client.port, client.packets, 126, 10)
    for motor in (3, 1, 2):
        assert group.addParam(motor)
    assert group.txRxPacket() == COMM_SUCCESS
    assert [group.getData(motor, POSITION, 4) for motor in (1, 2, 3)] == [2048] * 3


def test_fast_sync_read(client):
    group = GroupSyncRead(client.port, client.packets, 126, 10)
    for motor in (3, 1, 2):
        assert group.addParam(motor)
    assert group.fastSyncRead() == COMM_SUCCESS
    assert [group.getData(motor, POSITION, 4) for motor in (1, 2, 3)] == [2048] * 3


def test_sync_write(client):
    group = GroupSyncWrite(client.port, client.packets, LED, 1)
    for motor in (1, 2, 3):
        assert group.addParam(motor, [motor % 2])
    assert group.txPacket() == COMM_SUCCESS
    assert [client.read(1, motor, LED) for motor in (1, 2, 3)] == [1, 0, 1]


def test_bulk_read_and_write(client):
    write = GroupBulkWrite(client.port, client.packets)
    assert write.addParam(1, LED, 1, [1])
    assert write.addParam(2, GOAL_CURRENT, 2, [50, 0])
    assert write.txPacket() == COMM_SUCCESS
    read = GroupBulkRead(client.port, client.packets)
    assert read.addParam(1, LED, 1)
    assert read.addParam(2, GOAL_CURRENT, 2)
    assert read.txRxPacket() == COMM_SUCCESS
    assert (read.getData(1, LED, 1), read.getData(2, GOAL_CURRENT, 2)) == (1, 50)
    assert read.fastBulkRead() == COMM_SUCCESS
    assert (read.getData(1, LED, 1), read.getData(2, GOAL_CURRENT, 2)) == (1, 50)


def test_reg_write_and_action(client):
    assert client.packets.regWriteTxRx(client.port, 1, LED, 1, [1]) == (COMM_SUCCESS, 0)
    assert client.read(1, 1, LED) == 0
    assert client.packets.action(client.port, 1) == COMM_SUCCESS
    time.sleep(0.1)  # the SDK does not wait for the reply to Action, and clears the port before the next request
    assert client.read(1, 1, LED) == 1


def test_reboot(client):
    client.write(1, 1, LED, 1)
    client.write(1, 1, TORQUE, 1)
    assert client.packets.reboot(client.port, 1) == (COMM_SUCCESS, 0)
    time.sleep(0.5)  # as on hardware
    assert (client.read(1, 1, LED), client.read(1, 1, TORQUE)) == (0, 0)


def test_factory_reset_brings_back_factory_id_and_speed(client):
    client.write(1, 2, 7, 5)  # id 2 becomes 5
    client.write(1, 1, 7, 6)  # and 1 becomes 6, so that 1 is free
    assert client.packets.factoryReset(client.port, 5, 0xFF) == (COMM_SUCCESS, 0)
    time.sleep(0.5)
    assert client.packets.ping(client.port, 1)[1] != COMM_SUCCESS
    client.port.setBaudRate(57_600)
    assert client.packets.ping(client.port, 1) == (1020, COMM_SUCCESS, 0)


def test_clear_multi_turn(client):
    assert client.packets.clearMultiTurn(client.port, 1) == (COMM_SUCCESS, 0)


def test_motor_moves(client):
    client.write(1, 1, TORQUE, 1)
    client.write(4, 1, GOAL_POSITION, 2300)
    deadline = time.monotonic() + 30.0
    while abs(client.read(4, 1, POSITION) - 2300) > 10:
        assert time.monotonic() < deadline
    client.write(1, 1, TORQUE, 0)


def test_only_the_right_baud_rate_gets_a_reply(client):
    for baudrate in (57_600, 115_200, 2_000_000, 4_000_000):
        client.port.setBaudRate(baudrate)
        assert client.packets.ping(client.port, 1)[1] == COMM_RX_TIMEOUT
    client.port.setBaudRate(1_000_000)
    assert client.packets.ping(client.port, 1)[1] == COMM_SUCCESS


@pytest.mark.parametrize(("code", "baudrate"), [(2, 115_200), (4, 2_000_000), (6, 4_000_000)])
def test_baud_rate_can_be_changed(client, code, baudrate):
    assert client.write(1, 1, 8, code) == 0
    client.port.setBaudRate(baudrate)
    assert client.packets.ping(client.port, 1)[1] == COMM_SUCCESS
