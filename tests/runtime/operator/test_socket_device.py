"""Laws of the socket: one answer a request, many clients, and nothing of a client that is gone holds."""

import contextlib
import json
import os
import selectors
import socket
import stat

import pytest
from office import COMMANDS, Office

from sim2real.configs.errors import UserError
from sim2real.runtime.operator.briefing import Briefing
from sim2real.runtime.operator.request import LINE_BYTES_MAX
from sim2real.runtime.operator.socket_device import CLIENTS_MAX, SocketDevice

BRIEFING = Briefing("quadruped", "quadruped_walk", 50.0, ("a",), (), COMMANDS, 75.0, (9.0, 13.0))


class Served:
    def __init__(self, path):
        self.office, self.path = Office(), str(path)
        self.selector = selectors.DefaultSelector()
        self.state = {"state": "RUNNING"}
        self.device = SocketDevice(self.path, self.office.desk, lambda: self.state, BRIEFING)
        self.device.open(self.selector)
        self.clients = []

    def serve(self, rounds=4):
        for _ in range(rounds):
            for key, _ in self.selector.select(0):
                key.data()
            self.device.beat()
        return self.office.polled()

    def connect(self):
        client = socket.socket(socket.AF_UNIX)
        client.connect(self.path)
        client.settimeout(5.0)
        self.clients.append(client)
        self.serve()
        return client

    def ask(self, client, *requests):
        for request in requests:
            client.sendall((request if isinstance(request, bytes) else json.dumps(request).encode()) + b"\n")
        self.serve()
        return lines(client)

    def close(self):
        for client in self.clients:
            client.close()
        self.device.close()
        self.selector.close()


def lines(client):
    client.setblocking(False)
    data = b""
    try:
        while chunk := client.recv(65536):
            data += chunk
    except OSError:
        pass
    return [json.loads(line) for line in data.splitlines()]


@pytest.fixture
def served(tmp_path):
    served = Served(tmp_path / "robot")
    yield served
    served.close()


def test_the_file_is_for_its_owner_alone_and_gone_afterwards(served):
    assert stat.S_IMODE(os.stat(served.path).st_mode) == 0o600
    served.device.close()
    assert not os.path.exists(served.path)


def test_a_client_is_told_who_is_there(served):
    (hello,) = lines(served.connect())
    assert hello["hello"] == "sim2real"
    assert hello["robot"] == "quadruped"
    assert hello["commands"][0] == {"name": "forward", "low": -0.5, "high": 0.5, "default": 0.0}
    assert served.office.desk.in_command is None


def test_each_request_gets_one_answer_in_order_and_reaches_the_loop(served):
    client = served.connect()
    lines(client)
    answers = served.ask(
        client,
        {"do": "start"},
        {"do": "set", "values": {"forward": 0.25}},
        b"nonsense",
        {"do": "set", "values": {"forward": 9}},
        {"do": "alive"},
        {"do": "reset"},
        {"do": "estop"},
        {"do": "stop"},
    )
    assert [answer["ok"] for answer in answers] == [True, True, False, False, True, True, True, True]
    assert "not JSON" in answers[2]["error"]
    assert answers[3]["error"] == "command 'forward': 9; valid: -0.5 to 0.5"
    assert answers[4]["in_command"] is True
    box = served.office.box
    assert (box.starts, box.resets, box.stop, box.emergency) == (1, 1, True, True)
    assert box.values[0] == 0.25


def test_a_request_may_arrive_in_pieces_and_several_at_once(served):
    client = served.connect()
    lines(client)
    for byte in b'{"do": "reset"}\n\n  \n{"do": "reset"}\r\n{"do": "re':
        client.sendall(bytes([byte]))
        served.serve(1)
    assert served.office.box.resets == 2
    client.sendall(b'set"}\n')
    assert served.serve().resets == 3
    assert len(lines(client)) == 3


def test_commands_of_a_client_that_vanishes_are_taken_back_and_its_life_ends(served):
    mover, watcher = served.connect(), served.connect()
    served.ask(mover, {"do": "set", "values": {"forward": 0.5}})
    at = served.office.box.alive_ns
    mover.close()
    served.serve()
    (answer,) = [each for each in served.ask(watcher, {"do": "alive"}) if "ok" in each]
    assert answer["in_command"] is False
    assert served.serve().values[0] == 0.0
    assert served.office.box.alive_ns == at


@pytest.mark.parametrize("last", ["estop", "stop", "reset"])
def test_the_last_request_of_a_client_that_has_gone_is_not_lost(served, last):
    client = served.connect()
    for _ in range(20):
        served.serve(1)
    before = b'{"do": "subscribe", "rate": 100}\n{"do": "set", "values": {"forward": 0.5}}\n' + b"nonsense\n" * 50
    client.sendall(before + json.dumps({"do": last}).encode() + b"\n")
    client.close()  # with answers unread, and requests not yet served
    box = served.serve()
    assert {"estop": box.emergency, "stop": box.stop, "reset": box.resets == 1}[last]
    assert served.office.desk.in_command is None


def test_a_client_that_never_reads_can_still_stop_the_robot(served):
    client = served.connect()
    for _ in range(40):
        client.sendall(b"x\n" * 2000)
        served.serve(70)
    client.sendall(b'{"do": "estop"}\n')
    assert served.serve().emergency


def test_a_client_that_floods_holds_up_nobody(served):
    # A stop of another device was served after all that had arrived: seconds later, and its commands were taken back.
    flood, client = served.connect(), served.connect()
    lines(flood)  # the greeting
    with contextlib.suppress(BlockingIOError):
        while True:
            flood.send(b"1\n" * 10_000)
    client.sendall(b'{"do": "estop"}\n')
    assert served.serve(1).emergency
    assert 0 < len(lines(flood)) <= 64


def test_subscribers_get_states_at_their_rate_and_one_that_does_not_read_delays_nobody(served):
    deaf, client = served.connect(), served.connect()
    served.state = {"state": "RUNNING", "text": "x" * 20_000}
    deaf.sendall(b'{"do": "subscribe", "rate": 100}\n' * 3)
    served.ask(client, {"do": "subscribe", "rate": 100})
    for _ in range(200):
        served.serve(1)
    assert served.office.box.stop is False
    served.ask(deaf, {"do": "stop"})  # it is still served
    assert served.office.box.stop
    (refusal,) = [each for each in served.ask(client, b"?") if each.get("ok") is False]
    assert refusal["error"]


def test_too_long_a_line_is_refused_and_the_connection_closed(served):
    client = served.connect()
    lines(client)
    client.sendall(b"x" * (LINE_BYTES_MAX + 10))
    served.serve()
    assert "too long" in lines(client)[0]["error"]
    assert client.recv(10) == b""


def test_there_is_a_last_client_and_the_next_is_told(served):
    first = [served.connect() for _ in range(CLIENTS_MAX)]
    (answer,) = lines(served.connect())
    assert answer == {"ok": False, "error": f"there are {CLIENTS_MAX} clients already"}
    first[0].close()
    served.serve()
    assert "hello" in lines(served.connect())[0]


def test_a_path_that_cannot_be_used_is_one_clear_line(served, tmp_path):
    office, taken = Office(), tmp_path / "file"
    taken.write_text("mine")
    for path, why in (
        (served.path, "another program listens on it"),
        (taken, "is a file, not a socket"),
        (tmp_path / "no" / "folder", "No such file"),
        (tmp_path / ("x" * 200), "too long for a socket"),
    ):
        with selectors.DefaultSelector() as selector, pytest.raises(UserError, match=why):
            SocketDevice(str(path), office.desk, dict, BRIEFING).open(selector)
    assert taken.read_text() == "mine"
    assert "hello" in lines(served.connect())[0]  # the one that listens is not disturbed


def test_a_socket_that_a_killed_run_left_is_replaced(tmp_path):
    path = tmp_path / "robot"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    served = Served(path)
    assert "hello" in lines(served.connect())[0]
    served.close()


def test_a_file_that_is_no_longer_ours_stays(served):
    os.unlink(served.path)
    with open(served.path, "w") as other:
        other.write("someone else's")
    served.device.close()
    assert os.path.exists(served.path)
