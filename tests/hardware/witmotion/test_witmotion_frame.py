"""Laws of the WitMotion codec: examples from the datasheet's formulas, arbitrary bytes in any chunks, fast resync."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real.hardware.errors import ProtocolError
from sim2real.hardware.witmotion.frame import (
    COMMAND_HEADER,
    FRAME_BYTES,
    RATE_RANGE,
    STANDARD_GRAVITY,
    UNLOCK_KEY,
    Command,
    CommandDecoder,
    Content,
    Decoder,
    Frame,
    FrameType,
    Register,
    acceleration,
    angle,
    angular_velocity,
    counts,
    decode,
    encode,
    encode_command,
    quaternion,
)

# Bytes by the datasheet's layout (WT901 datasheet v20-0702, 5.1.2 to 5.1.4 and the quaternion output), low byte first,
# the sum added up by hand.
ACCELERATION_GOLDEN = bytes.fromhex("55 51 00 08 00 F8 00 00 C4 09 73")  # 1 g, -1 g, 0; 25 °C: 0x673
RATE_GOLDEN = bytes.fromhex("55 52 00 40 00 C0 01 00 00 00 A8")  # 1000 °/s, -1000 °/s, one count: 0x1A8
ANGLE_GOLDEN = bytes.fromhex("55 53 00 20 00 C0 FF 7F 00 00 06")  # 45°, -90°, 180° less a count: 0x306
QUATERNION_GOLDEN = bytes.fromhex("55 59 82 5A 00 00 7E A5 00 00 AD")  # 0.7071, 0, -0.7071, 0: 0x2AD

int16 = st.integers(-32768, 32767)
words = st.tuples(int16, int16, int16, int16)
kinds = st.sampled_from(sorted(FrameType))


def test_acceleration_of_the_datasheet():
    frame = decode(ACCELERATION_GOLDEN)
    assert frame.type == FrameType.ACCELERATION
    assert frame.values == (2048, -2048, 0, 2500)
    assert acceleration(frame.values) == pytest.approx((STANDARD_GRAVITY, -STANDARD_GRAVITY, 0.0))


def test_angular_velocity_of_the_datasheet():
    rate = angular_velocity(decode(RATE_GOLDEN).values)
    assert [math.degrees(value) for value in rate] == pytest.approx([1000.0, -1000.0, 2000.0 / 32768])


def test_angle_of_the_datasheet():
    roll, pitch, yaw = angle(decode(ANGLE_GOLDEN).values)
    assert [math.degrees(value) for value in (roll, pitch, yaw)] == pytest.approx([45.0, -90.0, 180.0 * 32767 / 32768])


def test_quaternion_of_the_datasheet():
    assert quaternion(decode(QUATERNION_GOLDEN).values) == pytest.approx((0.70709, 0.0, -0.70709, 0.0), abs=2e-5)


@pytest.mark.parametrize(
    ("register", "value", "data"),
    [
        (Register.KEY, UNLOCK_KEY, "FF AA 69 88 B5"),
        (Register.RETURN_RATE, 0x0B, "FF AA 03 0B 00"),
        (Register.BAUD, 6, "FF AA 04 06 00"),
        (Register.SAVE, 0, "FF AA 00 00 00"),
        (Register.READ_ADDRESS, 0x51, "FF AA 27 51 00"),
        (
            Register.RETURN_CONTENT,
            Content.ACCELERATION | Content.ANGULAR_VELOCITY | Content.QUATERNION,
            "FF AA 02 06 02",
        ),
    ],
)
def test_commands_of_the_datasheet(register, value, data):
    assert encode_command(register, int(value)) == bytes.fromhex(data)
    assert CommandDecoder().feed(bytes.fromhex(data)) == [Command(register, value)]


def test_bits_of_the_content_name_their_frames():
    assert [bit.frame_type for bit in Content(0x206)] == [
        FrameType.ACCELERATION,
        FrameType.ANGULAR_VELOCITY,
        FrameType.QUATERNION,
    ]
    assert Content.TIME.frame_type == FrameType.TIME
    assert Content.SATELLITES.frame_type == FrameType.SATELLITES


@given(kinds, words)
def test_encode_and_decode_are_inverse(kind, values):
    data = encode(kind, values)
    assert len(data) == FRAME_BYTES
    assert decode(data) == Frame(kind, data[2:10])
    assert decode(data).values == values
    assert Decoder().feed(data) == [decode(data)]


@pytest.mark.parametrize(
    ("kind", "values"), [(0x60, (0, 0, 0, 0)), (0x51, (32768, 0, 0, 0)), (0x51, (0, 0, 0, -32769))]
)
def test_values_that_do_not_fit_a_frame_are_not_encoded(kind, values):
    with pytest.raises(ProtocolError):
        encode(kind, values)


@pytest.mark.parametrize(("register", "value"), [(-1, 0), (256, 0), (3, -1), (3, 65536)])
def test_values_that_do_not_fit_a_command_are_not_encoded(register, value):
    with pytest.raises(ProtocolError):
        encode_command(register, value)


@given(kinds, words, st.integers(0, FRAME_BYTES - 1), st.integers(1, 255))
def test_a_frame_with_one_byte_changed_is_refused(kind, values, place, change):
    damaged = bytearray(encode(kind, values))
    damaged[place] ^= change
    # The sum detects every change of one byte, also of the sum itself or to another valid type.
    with pytest.raises(ProtocolError):
        decode(bytes(damaged))


@given(st.binary(max_size=30))
def test_decoding_any_bytes_raises_nothing_but_a_protocol_error(data):
    try:
        frame = decode(data)
    except ProtocolError:
        return
    assert encode(frame.type, frame.values) == data


@given(st.lists(st.tuples(kinds, words), max_size=8), st.data())
def test_the_chunks_of_a_stream_do_not_matter(frames, data):
    stream = b"".join(encode(kind, values) for kind, values in frames)
    decoder, found, at = Decoder(), [], 0
    while at < len(stream):
        count = data.draw(st.integers(1, 25))
        found += decoder.feed(stream[at : at + count])
        at += count
    assert [(frame.type, frame.values) for frame in found] == frames
    assert (decoder.corrupt, decoder.discarded, decoder.pending) == (0, 0, 0)


@settings(max_examples=300)
@given(st.binary(max_size=60), kinds, words, kinds, words)
def test_after_any_bytes_the_next_frame_but_one_is_found(garbage, kind, values, kind2, values2):
    """At most one intact frame is lost: if a false frame with a sum that is right by chance overlaps it."""
    first, second = encode(kind, values), encode(kind2, values2)
    decoder = Decoder()
    found = decoder.feed(garbage + first + second)
    taken = 11 * len(found) + decoder.discarded + decoder.pending
    assert taken == len(garbage) + 2 * FRAME_BYTES
    # A false frame may overlap the second frame too, never a third one.
    found += decoder.feed(second)
    assert decode(second) in found


@given(st.binary(max_size=40).filter(lambda data: 0x55 not in data), kinds, words)
def test_bytes_without_a_header_never_hide_a_frame(garbage, kind, values):
    data = encode(kind, values)
    assert Decoder().feed(garbage + data) == [decode(data)._replace(joined=not garbage)]


@given(kinds, words, st.integers(1, FRAME_BYTES - 1), kinds, words)
def test_a_cut_off_frame_does_not_delay_the_next(kind, values, kept, kind2, values2):
    cut, whole = encode(kind, values)[:kept], encode(kind2, values2)
    stream = cut + whole
    for at in range(kept):
        if sum(stream[at : at + 10]) & 0xFF == stream[at + 10]:
            return  # one in 256: together they form a frame by chance
    assert decode(whole) in [frame._replace(joined=True) for frame in Decoder().feed(cut + whole)]


@given(st.binary(max_size=300))
def test_a_decoder_keeps_less_than_a_frame_and_loses_no_byte(data):
    decoder = Decoder()
    found = sum(len(decoder.feed(data[at : at + 7])) for at in range(0, len(data), 7))
    assert decoder.pending < FRAME_BYTES
    assert found * FRAME_BYTES + decoder.discarded + decoder.pending == len(data)
    decoder.reset()
    assert decoder.pending == 0


def test_damaged_frames_are_counted():
    decoder = Decoder()
    assert decoder.feed(ACCELERATION_GOLDEN[:-1] + b"\x00" + RATE_GOLDEN) == [
        decode(RATE_GOLDEN)._replace(joined=False)
    ]
    assert (decoder.corrupt, decoder.discarded) == (1, FRAME_BYTES)


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 65535)), max_size=6), st.integers(1, 7))
def test_the_chunks_of_commands_do_not_matter(commands, size):
    stream = b"".join(encode_command(register, value) for register, value in commands)
    decoder = CommandDecoder()
    found = [c for at in range(0, len(stream), size) for c in decoder.feed(stream[at : at + size])]
    assert [(command.register, command.value) for command in found] == commands


@given(st.binary(max_size=60))
def test_any_bytes_give_only_commands(data):
    decoder = CommandDecoder()
    for command in decoder.feed(data) + decoder.feed(COMMAND_HEADER):
        assert encode_command(command.register, command.value) in data + COMMAND_HEADER


def test_reset_discards_a_cut_off_command():
    decoder = CommandDecoder()
    assert decoder.feed(b"\x00\xff") == []
    assert decoder.feed(b"\xaa\x69") == []
    decoder.reset()
    assert decoder.feed(b"\x88\xb5") == []
    assert decoder.feed(bytes.fromhex("FF AA 03 09 00")) == [Command(3, 9)]


@pytest.mark.parametrize(("value", "expected"), [(0.0, 0), (1e9, 32767), (-1e9, -32768), (RATE_RANGE / 2.0, 16384)])
def test_values_beyond_the_range_are_clipped(value, expected):
    assert counts(value, RATE_RANGE) == expected
