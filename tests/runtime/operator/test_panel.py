"""Laws of the browser panel: nothing without the token, nothing from another site, and nothing by being opened."""

import http.client
import json
import selectors
import socket
import time
from urllib.parse import urlsplit

import pytest
from office import COMMANDS, Office

from sim2real.configs.errors import UserError
from sim2real.runtime.operator.briefing import Briefing
from sim2real.runtime.operator.panel import Panel
from sim2real.runtime.operator.panel_guard import refusal
from sim2real.runtime.operator.panel_server import CONNECTIONS_MAX
from sim2real.runtime.operator.run_state import RunState

PAGE = "0123456789abcdef"

pytestmark = pytest.mark.realtime


class Opened:
    def __init__(self, port=0):
        self.office = Office()
        self.state = RunState(Briefing("quadruped", "walk", 50.0, (), (), COMMANDS, 75.0, (9.0, 13.0)))
        self.panel = Panel(port, self.office.desk, self.state)
        self.panel.open(selectors.DefaultSelector())
        address = urlsplit(self.panel.url)
        self.port, self.token = address.port, address.query.removeprefix("token=")
        self.host = f"127.0.0.1:{self.port}"

    def request(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, {key.replace("_", "-"): value for key, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), answer.headers
        finally:
            connection.close()

    def do(self, page=PAGE, **request):
        status, body, _ = self.request(
            "POST",
            "/do",
            json.dumps(request),
            Authorization=f"Bearer {self.token}",
            Content_Type="application/json",
            X_Page=page,
        )
        return status, json.loads(body)

    def events(self, page=PAGE):
        stream = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        stream.sendall(f"GET /events?token={self.token}&page={page} HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode())
        text = ""
        while "data: " not in text and "400" not in text:
            self.panel.beat()
            text += stream.recv(65536).decode()
        return stream, text


@pytest.fixture
def opened():
    opened = Opened()
    yield opened
    opened.panel.close()


def test_it_listens_on_loopback_alone(opened):
    with socket.socket() as attempt:
        attempt.settimeout(2.0)
        address = socket.gethostbyname(socket.gethostname())
        if not address.startswith("127."):
            assert attempt.connect_ex((address, opened.port)) != 0
    assert opened.panel.url.startswith("http://127.0.0.1:")


def test_opening_the_page_and_its_events_moves_nothing(opened):
    status, body, headers = opened.request("GET", f"/?token={opened.token}")
    stream, text = opened.events()
    assert status == 200
    assert "E-STOP" in body
    assert json.loads(text.rpartition("data: ")[2].split("\n")[0])["state"] is None
    box = opened.office.polled()
    assert (box.alive_ns, box.starts, box.resets, box.stop, box.emergency) == (-1, 0, 0, False, False)
    assert opened.office.desk.in_command is None
    stream.close()
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'nonce-")
    assert "unsafe" not in policy
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert "Python" not in headers["Server"]


def test_the_page_needs_nothing_from_elsewhere(opened):
    _, body, headers = opened.request("GET", f"/?token={opened.token}")
    assert "http:" not in body
    assert "https:" not in body
    nonce = headers["Content-Security-Policy"].partition("'nonce-")[2].partition("'")[0]
    assert body.count(f'nonce="{nonce}"') == 2
    assert "NONCE" not in body
    assert opened.request("GET", f"/?token={opened.token}")[1].count(nonce) == 0


BAD_GET = [
    ("/", {}, 403),
    ("/?token=", {}, 403),
    ("/?token=wrong", {}, 403),
    ("/?token=%ff%00", {}, 403),
    ("/events?page=0123456789abcdef", {}, 403),
    ("/?token=TOKEN", {"Host": "evil.example"}, 403),
    ("/?token=TOKEN", {"Host": "127.0.0.1.evil.example"}, 403),
    ("/?token=TOKEN", {"Host": "127.0.0.1@evil.example"}, 403),
    ("/?token=TOKEN", {"Origin": "http://evil.example"}, 403),
    ("/?token=TOKEN", {"Origin": "null"}, 403),
    ("/?token=TOKEN", {"Sec-Fetch-Site": "cross-site"}, 403),
    ("/etc/passwd?token=TOKEN", {}, 404),
    ("/../panel.py?token=TOKEN", {}, 404),
    ("/events?token=TOKEN", {}, 400),
    ("/events?token=TOKEN&page=x", {}, 400),
]


@pytest.mark.parametrize(("path", "headers", "status"), BAD_GET)
def test_a_look_is_refused(opened, path, headers, status):
    answer, body, _ = opened.request("GET", path.replace("TOKEN", opened.token), **headers)
    assert answer == status
    assert json.loads(body)["ok"] is False
    assert opened.token not in body


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"Authorization": ""}, 403),
        ({"Authorization": "Bearer wrong"}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Content-Type": "text/plain"}, 403),  # what a form of another site can send
        ({"Content-Type": "application/x-www-form-urlencoded"}, 403),
        ({"Content-Length": "x"}, 413),
        ({"Content-Length": "99999999"}, 413),
        ({}, 200),
    ],
)
def test_a_request_that_changes_anything_must_prove_where_it_is_from(opened, change, status):
    headers = {"Authorization": f"Bearer {opened.token}", "Content-Type": "application/json"} | change
    answer, _, _ = opened.request("POST", "/do", '{"do": "estop"}', **headers)
    assert answer == status
    assert opened.office.polled().emergency == (status == 200)


def test_the_token_in_the_address_is_not_enough_to_change_anything(opened):
    status, _, _ = opened.request(
        "POST", f"/do?token={opened.token}", '{"do": "start"}', Content_Type="application/json"
    )
    assert status == 403
    assert opened.office.polled().starts == 0


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "HEAD", "TRACE"])
def test_other_methods_do_nothing(opened, method):
    status, _, headers = opened.request(method, f"/do?token={opened.token}")
    assert status == 501
    assert "Access-Control-Allow-Origin" not in headers


def test_stop_and_reset_need_no_stream_but_a_start_and_a_command_do(opened):
    assert opened.do(do="estop") == (200, {"ok": True})
    assert opened.office.polled().emergency
    assert opened.do(do="reset")[0] == opened.do(do="stop")[0] == 200
    for request in ({"do": "start"}, {"do": "set", "values": {"forward": 0.1}}, {"do": "alive"}):
        status, answer = opened.do(**request)
        assert status == 400
        assert "not connected" in answer["error"]
    assert opened.office.polled().starts == 0


def test_a_page_that_closes_loses_command(opened):
    stream, _ = opened.events()
    assert opened.do(do="start")[0] == 200
    assert opened.do(do="set", values={"forward": 0.25})[0] == 200
    assert opened.do(do="alive")[1]["in_command"] is True
    assert opened.office.polled().values[0] == 0.25
    status, answer = opened.do(do="set", values={"forward": 2})
    assert (status, answer["error"]) == (400, "command 'forward': 2; valid: -0.5 to 0.5")
    stream.close()
    deadline = time.monotonic() + 10
    while opened.office.desk.in_command is not None and time.monotonic() < deadline:
        time.sleep(0.12)
        opened.panel.beat()
    assert opened.office.desk.in_command is None
    assert opened.office.polled().values[0] == 0.0


def test_two_pages_cannot_have_the_same_name(opened):
    stream, _ = opened.events()
    second, text = opened.events()
    assert "400" in text.split("\r\n")[0]
    stream.close()
    second.close()


def test_the_end_of_the_run_is_told(opened):
    stream, text = opened.events()
    opened.panel.close()
    while chunk := stream.recv(65536).decode():
        text += chunk
    assert text.endswith("event: end\ndata: {}\n\n")
    stream.close()


def test_connections_without_the_token_keep_nobody_out(opened):
    # 32 of them, from any program of the machine, and E-STOP on the page was refused.
    stream, _ = opened.events()
    idle = [socket.create_connection(("127.0.0.1", opened.port), timeout=10) for _ in range(CONNECTIONS_MAX + 8)]
    assert opened.do(do="estop")[0] == 200
    assert idle[0].recv(10) == b""  # the oldest has given its place
    opened.panel.beat()
    assert stream.recv(65536)
    for each in (stream, *idle):
        each.close()


def test_too_many_connections_with_the_token_are_closed(opened):
    pages = [opened.events(f"{number:016x}")[0] for number in range(CONNECTIONS_MAX)]
    with socket.create_connection(("127.0.0.1", opened.port), timeout=10) as more:
        assert more.recv(10) == b""
    for each in pages:
        each.close()


@pytest.mark.parametrize(("port", "why"), [(70000, "valid: 1 to 65535"), (None, "Address already in use")])
def test_a_port_that_cannot_be_used_is_one_clear_line(opened, port, why):
    with pytest.raises(UserError, match=why):
        Opened(opened.port if port is None else port)


def test_every_token_is_another_one(opened):
    other = Opened()
    assert other.token != opened.token
    assert len(other.token) >= 32
    assert refusal({"Host": other.host}, f"token={opened.token}", other.token, changes=False)
    other.panel.close()
