"""Laws of the Protocol 2.0 codec: the vendor's examples, round trips, and arbitrary bytes."""

import contextlib
import os

import dynamixel_sdk as sdk
import pytest
from fastcrc.crc16 import umts
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sim2real.hardware.dynamixel.frame import (
    BROADCAST,
    FRAME_BYTES_MAX,
    HEADER,
    Decoder,
    Instruction,
    Packet,
    decode,
    decode_fast_status,
    encode,
    encode_fast_status,
    encode_status,
    fast_replies,
)
from sim2real.hardware.errors import ProtocolError

# SIM2REAL_FUZZ_EXAMPLES=100000 pytest tests/hardware/dynamixel/test_dynamixel_frame.py feeds about ten million bytes.
FUZZ_EXAMPLES = int(os.environ.get("SIM2REAL_FUZZ_EXAMPLES", "200"))

# ROBOTIS e-Manual, DYNAMIXEL Protocol 2.0, the examples of each instruction.
INSTRUCTION_GOLDENS = {
    "ping 1": (1, Instruction.PING, "", "FF FF FD 00 01 03 00 01 19 4E"),
    "ping all": (BROADCAST, Instruction.PING, "", "FF FF FD 00 FE 03 00 01 31 42"),
    "read position": (1, Instruction.READ, "84 00 04 00", "FF FF FD 00 01 07 00 02 84 00 04 00 1D 15"),
    "write position": (1, Instruction.WRITE, "74 00 00 02 00 00", "FF FF FD 00 01 09 00 03 74 00 00 02 00 00 CA 89"),
    "reboot": (1, Instruction.REBOOT, "", "FF FF FD 00 01 03 00 08 2F 4E"),
    "action": (1, Instruction.ACTION, "", "FF FF FD 00 01 03 00 05 02 CE"),
    "factory reset": (1, Instruction.FACTORY_RESET, "02", "FF FF FD 00 01 04 00 06 02 AB E6"),
    "sync read": (
        BROADCAST,
        Instruction.SYNC_READ,
        "84 00 04 00 01 02",
        "FF FF FD 00 FE 09 00 82 84 00 04 00 01 02 CE FA",
    ),
    "sync write": (
        BROADCAST,
        Instruction.SYNC_WRITE,
        "74 00 04 00 01 96 00 00 00 02 AA 00 00 00",
        "FF FF FD 00 FE 11 00 83 74 00 04 00 01 96 00 00 00 02 AA 00 00 00 82 87",
    ),
}
STATUS_GOLDENS = {
    "ping 1": (1, 0, "06 04 26", "FF FF FD 00 01 07 00 55 00 06 04 26 65 5D"),
    "position 166": (1, 0, "A6 00 00 00", "FF FF FD 00 01 08 00 55 00 A6 00 00 00 8C C0"),
    "written": (1, 0, "", "FF FF FD 00 01 04 00 55 00 A1 0C"),
}

ids = st.integers(0, 252)
# Bytes of headers and stuffing, much more frequent than at random.
tricky = st.lists(st.sampled_from([b"\xff", b"\xfd", b"\x00", b"\x55", b"\xff\xff\xfd", HEADER, b"a"]), max_size=24)
parameters = st.one_of(st.binary(max_size=64), tricky.map(b"".join))
fast_data = st.lists(
    st.tuples(ids, st.sampled_from([0, 0x80]), st.binary(min_size=10, max_size=10)), min_size=1, max_size=5
)


def frames() -> st.SearchStrategy[bytes]:
    instructions = st.builds(
        encode, ids, st.sampled_from([i for i in Instruction if i != Instruction.STATUS]), parameters
    )
    statuses = st.builds(encode_status, ids, st.integers(0, 255), parameters)
    return st.one_of(instructions, statuses, fast_data.map(encode_fast_status))


def test_crc_matches_the_vendor_s():
    assert umts(b"123456789") == 0xFEE8


@pytest.mark.parametrize("name", INSTRUCTION_GOLDENS)
def test_instructions_match_the_manual(name):
    motor, instruction, data, frame = INSTRUCTION_GOLDENS[name]
    assert encode(motor, instruction, bytes.fromhex(data)) == bytes.fromhex(frame)
    assert decode(bytes.fromhex(frame)) == Packet(motor, instruction, None, bytes.fromhex(data), False)


@pytest.mark.parametrize("name", STATUS_GOLDENS)
def test_statuses_match_the_manual(name):
    motor, error, data, frame = STATUS_GOLDENS[name]
    assert encode_status(motor, error, bytes.fromhex(data)) == bytes.fromhex(frame)
    assert decode(bytes.fromhex(frame)) == Packet(motor, Instruction.STATUS, error, bytes.fromhex(data), False)


def test_stuffing_is_counted_in_length_and_crc():
    # Present Current -1 followed by a velocity whose first byte is FD, as real robots send.
    frame = encode_status(1, 0, bytes.fromhex("FF FF FD 00 00 00"))
    assert frame[:16] == bytes.fromhex("FF FF FD 00 01 0B 00 55 00 FF FF FD FD 00 00 00")
    assert decode(frame).parameters == bytes.fromhex("FF FF FD 00 00 00")
    assert not decode(frame).unstuffed


class RecordingPort:
    """The port interface of dynamixel-sdk; records what it writes."""

    is_using = False

    def __init__(self):
        self.written = b""

    def clearPort(self):  # noqa: N802 - the library's name
        pass

    def writePort(self, packet):  # noqa: N802 - the library's name
        self.written = bytes(packet)
        return len(packet)

    def getBaudRate(self):  # noqa: N802 - the library's name
        return 1_000_000

    def setPacketTimeout(self, length):  # noqa: N802 - the library's name
        pass


def sdk_frame(instruction, motor, data):
    port = RecordingPort()
    size = len(data) + 3
    packet = [0] * 5 + [size & 0xFF, size >> 8, instruction, *data, 0, 0]
    packet[4] = motor
    assert sdk.PacketHandler(2.0).txPacket(port, packet) == sdk.COMM_SUCCESS
    return port.written


@given(ids, st.sampled_from([i for i in Instruction if i != Instruction.STATUS]), parameters)
@example(1, Instruction.WRITE, bytes.fromhex("74 00 FF FF FD 00"))
@settings(max_examples=60, deadline=None)
def test_sdk_sends_the_same_bytes_except_for_stuffing(motor, instruction, data):
    sent = sdk_frame(instruction, motor, data)
    if b"\xff\xff\xfd" not in data:
        assert sent == encode(motor, instruction, data)
    elif b"\xff\xff\xfd\xfd" not in data:
        # It does not stuff; the packet is kept as it is, and marked.
        assert decode(sent) == Packet(motor, instruction, None, data, True)
        assert Decoder().feed(sent) == [decode(sent)]


@given(ids, st.integers(0, 255).filter(lambda i: i != Instruction.STATUS), parameters)
@settings(max_examples=200)
def test_instructions_round_trip(motor, instruction, data):
    assert decode(encode(motor, instruction, data)) == Packet(motor, instruction, None, data, False)


@given(ids, st.integers(0, 255), parameters)
@settings(max_examples=200)
def test_statuses_round_trip(motor, error, data):
    assert decode(encode_status(motor, error, data)) == Packet(motor, Instruction.STATUS, error, data, False)


@given(fast_data)
@settings(max_examples=100)
def test_fast_statuses_round_trip(replies):
    packets = Decoder().feed(encode_fast_status(replies))
    assert len(packets) == 1
    assert decode_fast_status(packets[0], len(replies), 10) == replies


@given(fast_data, st.data())
@settings(max_examples=100)
def test_a_cut_off_fast_status_gives_the_complete_replies(replies, data):
    frame = encode_fast_status(replies)
    cut = data.draw(st.integers(0, len(frame)))
    assert fast_replies(frame[:cut], 10) == replies[: max(0, cut - 8) // 14]


def test_every_crc_in_a_fast_status_is_checked():
    # Damage that later motors received too: their CRCs are right, but not the first one.
    frame = bytearray(encode_fast_status([(1, 0, b"abcd"), (2, 0, b"efgh")]))
    frame[10] ^= 1
    frame[-2:] = umts(bytes(frame[:-2])).to_bytes(2, "little")
    packet = decode(bytes(frame))
    with pytest.raises(ProtocolError, match="after 0 of 2"):
        decode_fast_status(packet, 2, 4)


@pytest.mark.parametrize(
    ("packet", "count"),
    [
        (decode(encode_status(1, 0, b"abcdefgh")), 1),
        (decode(encode(BROADCAST, Instruction.PING)), 1),
        (decode(encode_fast_status([(1, 0, b"abcd")])), 2),
    ],
)
def test_a_packet_that_is_not_this_fast_status_is_refused(packet, count):
    with pytest.raises(ProtocolError, match="not a fast status packet"):
        decode_fast_status(packet, count, 4)


def test_fast_replies_of_anything_else_are_none():
    assert fast_replies(b"", 4) == []
    assert fast_replies(encode_status(1, 0, b"abcd"), 4) == []
    assert fast_replies(encode(BROADCAST, Instruction.PING), 4) == []


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\xff\xff\xfd\xfd\x01\x03\x00\x01\x19\x4e",
        HEADER + b"\x01",
        encode(1, Instruction.PING)[:-1],
        encode(1, Instruction.PING) + b"\x00",
        HEADER + b"\xfd\x03\x00\x01\x19\x4e",
        HEADER + b"\x01\x02\x00\x01\x19",
        HEADER + b"\x01\x03\x00\x55\x19\x4e",
        HEADER + b"\x01\xff\xff\x55\x19\x4e",
        encode(1, Instruction.PING)[:-1] + b"\x00",
    ],
)
def test_anything_but_one_complete_frame_is_a_protocol_error(frame):
    with pytest.raises(ProtocolError):
        decode(frame)


@pytest.mark.parametrize(
    "make",
    [
        lambda: encode(1, Instruction.WRITE, bytes(FRAME_BYTES_MAX)),
        lambda: encode_status(1, 0, bytes(FRAME_BYTES_MAX)),
        lambda: encode_fast_status([(1, 0, bytes(FRAME_BYTES_MAX))]),
    ],
)
def test_frames_that_no_decoder_accepts_are_not_encoded(make):
    with pytest.raises(ProtocolError, match="at most"):
        make()


@given(st.binary(max_size=200) | tricky.map(b"".join))
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_any_bytes_raise_nothing_but_protocol_errors(data):
    Decoder().feed(data)
    with contextlib.suppress(ProtocolError):
        decode(data)


@given(st.lists(frames() | tricky.map(b"".join), max_size=6), st.lists(st.integers(1, 40), min_size=1, max_size=8))
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_the_chunks_of_a_stream_do_not_matter(pieces, sizes):
    stream = b"".join(pieces)
    whole = Decoder()
    expected = whole.feed(stream)
    cut, found, at, index = Decoder(), [], 0, 0
    while at < len(stream):
        size = sizes[index % len(sizes)]
        found += cut.feed(stream[at : at + size])
        at, index = at + size, index + 1
    assert found == expected
    assert (cut.discarded, cut.corrupt, cut.pending) == (whole.discarded, whole.corrupt, whole.pending)


@given(st.lists(frames(), min_size=1, max_size=6))
@settings(max_examples=100)
def test_all_intact_frames_are_found(sent):
    decoder = Decoder()
    assert decoder.feed(b"".join(sent)) == [decode(frame) for frame in sent]
    assert (decoder.discarded, decoder.corrupt, decoder.pending) == (0, 0, 0)


@given(st.binary(max_size=60) | tricky.map(b"".join), ids, parameters)
@settings(max_examples=300)
def test_an_intact_frame_after_garbage_is_found_at_once(garbage, motor, data):
    # Even a false header that claims 2000 bytes delays nothing beyond one frame.
    frame = encode_status(motor, 0, data)
    packets = Decoder().feed(garbage + frame)
    assert packets[-1:] == [decode(frame)]


@pytest.mark.parametrize("length", [20, 300, 2000])
def test_a_cut_off_frame_does_not_swallow_the_next(length):
    decoder = Decoder()
    cut_off = HEADER + b"\x01" + length.to_bytes(2, "little") + b"\x55\x00abc"
    good = encode_status(2, 0, b"0123456789")
    assert decoder.feed(cut_off) == []
    assert decoder.feed(good) == [decode(good)]
    assert (decoder.discarded, decoder.corrupt) == (len(cut_off), 1)


@given(frames(), st.data())
@settings(max_examples=300, derandomize=True)  # one in 65536 other lengths has the right CRC by chance
def test_a_frame_with_one_damaged_byte_is_not_a_packet(frame, data):
    at = data.draw(st.integers(0, len(frame) - 1))
    damaged = bytearray(frame)
    damaged[at] ^= data.draw(st.integers(1, 255))
    assert Decoder().feed(bytes(damaged)) == []


@given(st.lists(st.sampled_from([HEADER + b"\x01\xf8\x07\x55", HEADER, b"\xff" * 7, b"x" * 50]), max_size=400))
@settings(max_examples=20, deadline=None)
def test_the_buffer_is_bounded(pieces):
    decoder = Decoder()
    for piece in pieces:
        decoder.feed(piece)
        assert decoder.pending <= FRAME_BYTES_MAX
    stream = sum(map(len, pieces))
    assert decoder.discarded + decoder.pending == stream


def test_a_large_feed_is_bounded_too():
    decoder = Decoder()
    decoder.feed((HEADER + b"\x01\xf8\x07\x55") * 20_000)
    assert decoder.pending <= FRAME_BYTES_MAX


def test_of_two_frames_that_end_together_the_outer_one_is_found():
    inner = encode_status(2, 0, b"z")
    body = bytes((Instruction.WRITE,)) + inner[:-2]
    head = HEADER + b"\x01" + (len(body) + 2).to_bytes(2, "little")
    frame = head + body + umts(head + body).to_bytes(2, "little")
    packets = Decoder().feed(frame)
    assert [packet.id for packet in packets] == [1]
    assert packets[0].unstuffed


def test_a_frame_inside_an_unstuffed_one_is_complete_first():
    inner = encode(2, Instruction.PING)
    head = HEADER + b"\x01" + (len(inner) + 5).to_bytes(2, "little") + bytes((Instruction.WRITE,)) + inner + b"ab"
    packets = Decoder().feed(head + umts(head).to_bytes(2, "little"))
    assert [packet.id for packet in packets] == [2]


def test_reset_discards_an_incomplete_frame():
    decoder = Decoder()
    frame = encode(1, Instruction.PING)
    decoder.feed(frame[:6])
    decoder.reset()
    assert decoder.pending == 0
    assert decoder.feed(frame[6:]) == []
    assert decoder.feed(frame) == [decode(frame)]
    assert decoder.discarded == 4


def test_damaged_instructions_are_returned_marked_if_requested():
    frame = bytearray(encode(5, Instruction.WRITE, b"\x40\x00\x01"))
    frame[-1] ^= 1
    assert Decoder().feed(bytes(frame)) == []
    (packet,) = Decoder(report_damage=True).feed(bytes(frame))
    assert (packet.id, packet.instruction, packet.parameters, packet.intact) == (5, Instruction.WRITE, b"", False)


def test_damaged_status_packets_and_inner_headers_are_not_instructions():
    status = bytearray(encode_status(5, 0, b"\x01"))
    status[-1] ^= 1
    decoder = Decoder(report_damage=True)
    assert decoder.feed(bytes(status)) == []
    assert decoder.corrupt == 1
    inner = bytearray(encode(5, Instruction.PING))
    inner[-1] ^= 1
    # An incomplete frame contains the bytes that look damaged.
    outer = bytes.fromhex("FF FF FD 00 01 40 00 03")
    assert decoder.feed(outer + bytes(inner)) == []
