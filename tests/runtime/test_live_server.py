"""Laws of the live server: a viewer sees the ticks as they happen; it listens on this machine alone and ends."""

import asyncio
import json
import socket
import struct
from contextlib import closing

import pytest
from websockets.asyncio.client import connect

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_task
from sim2real.runtime.contract.spec import contract_of
from sim2real.runtime.live_server import live_server
from sim2real.runtime.record import TickRecord
from sim2real.runtime.ring import SharedRing
from sim2real.runtime.tick_fields import FIELDS, row_layout

pytestmark = pytest.mark.realtime

CONTRACT_OF_WALK = contract_of(load_task("quadruped_walk"))


@pytest.fixture
def ring():
    with closing(SharedRing(row_layout(CONTRACT_OF_WALK))) as made:
        yield made


async def watch(address: str, ring: SharedRing, topics: set[str]) -> tuple[dict, dict]:
    """Subscribe to some topics while the loop writes; return the advertised channels and one message of each topic."""
    record = TickRecord.empty(CONTRACT_OF_WALK)
    record.state = 4
    channels: dict[int, dict] = {}
    messages: dict[str, dict] = {}
    async with connect(address, subprotocols=["foxglove.sdk.v1"]) as viewer:
        while not topics <= {each["topic"] for each in channels.values()}:
            document = json.loads(await viewer.recv())
            channels |= {each["id"]: each for each in document.get("channels", ())}
        wanted = [number for number, each in channels.items() if each["topic"] in topics]
        subscriptions = [{"id": 100 + number, "channelId": number} for number in wanted]
        await viewer.send(json.dumps({"op": "subscribe", "subscriptions": subscriptions}))
        while set(messages) != topics:
            record.tick += 1
            record.time_ns = record.tick * 20_000_000
            record.state = 4 + record.tick % 2
            ring.push(record.pack())
            try:
                data = await asyncio.wait_for(viewer.recv(), 0.05)
            except TimeoutError:
                continue
            if isinstance(data, bytes) and data[0] == 1:
                subscription, _time_ns = struct.unpack_from("<IQ", data, 1)
                messages[channels[subscription - 100]["topic"]] = json.loads(data[13:])
    return {each["topic"]: each for each in channels.values()}, messages


def test_a_viewer_gets_every_topic_with_its_schema(ring):
    with live_server(CONTRACT_OF_WALK, ring.fd, 0) as address:
        topics = {field.topic for field in FIELDS} | {"/events", "/contract"}
        channels, messages = asyncio.run(asyncio.wait_for(watch(address, ring, topics), 30.0))
    assert channels["/joint_states"]["schemaName"] == "sensor_msgs/JointState"
    for topic in topics - {"/contract"}:
        assert set(json.loads(channels[topic]["schema"])["properties"]) == set(messages[topic]), topic
    assert messages["/joint_states"]["name"] == list(CONTRACT_OF_WALK.joint_names)
    assert messages["/contract"] == json.loads(CONTRACT_OF_WALK.model_dump_json())


def test_it_listens_on_this_machine_alone_and_ends_with_the_run(ring):
    with live_server(CONTRACT_OF_WALK, ring.fd, 0) as address:
        host, port = address.removeprefix("ws://").split(":")
        assert host == "127.0.0.1"
        socket.create_connection((host, int(port)), timeout=5.0).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=5.0)


def test_a_port_that_is_taken_is_one_line(ring):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = live_server(CONTRACT_OF_WALK, ring.fd, port)
        with pytest.raises(UserError, match=f"the live server cannot listen on port {port}: "), server:
            pass
