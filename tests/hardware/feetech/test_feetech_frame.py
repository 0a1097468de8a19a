"""Laws of the Feetech codec: golden frames, round trips, and arbitrary bytes."""

import contextlib
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real.hardware.errors import ProtocolError
from sim2real.hardware.feetech.frame import FRAME_BYTES_MAX, Decoder, Instruction, Packet, checksum, decode, encode

# Frames of Feetech's memory table of the STS3215 (examples of instructions).
GOLDEN = {
    "FF FF FE 04 03 37 00 C3": Packet(254, Instruction.WRITE, bytes((55, 0))),
    "FF FF 01 04 03 05 02 F0": Packet(1, Instruction.WRITE, bytes((5, 2))),
    "FF FF 01 04 03 13 20 C4": Packet(1, Instruction.WRITE, bytes((19, 32))),
    "FF FF 02 09 03 2A E8 03 00 00 00 00 DC": Packet(2, Instruction.WRITE, bytes((42, 0xE8, 3, 0, 0, 0, 0))),
    "FF FF 01 0A 03 29 32 E8 03 00 00 E8 03 C0": Packet(1, Instruction.WRITE, bytes((41, 50, 0xE8, 3, 0, 0, 0xE8, 3))),
    "FF FF 01 04 02 38 02 BE": Packet(1, Instruction.READ, bytes((56, 2))),
    "FF FF 01 02 0A F2": Packet(1, Instruction.CLEAR_TURNS, b""),
}
packets = st.builds(Packet, st.integers(0, 254), st.integers(0, 255), st.binary(max_size=253))
# Without FF in parameters, no frame can contain another one.
plain = st.builds(
    Packet,
    st.integers(0, 253),
    st.integers(0, 254),
    st.binary(max_size=60).map(lambda data: data.replace(b"\xff", b"\xfe")),
)


def frame_of(packet: Packet) -> bytes:
    return encode(packet.id, packet.code, packet.parameters)


@pytest.mark.parametrize(("text", "packet"), GOLDEN.items())
def test_golden_frames(text, packet):
    frame = bytes.fromhex(text)
    assert frame_of(packet) == frame
    assert decode(frame) == packet
    assert Decoder().feed(frame) == [packet]


@given(packets)
def test_encode_and_decode_are_inverse(packet):
    assert decode(frame_of(packet)) == packet


@pytest.mark.parametrize(
    ("motor", "code", "parameters"), [(255, 1, b""), (-1, 1, b""), (1, 256, b""), (1, 3, bytes(254))]
)
def test_values_that_do_not_fit_a_frame_are_refused(motor, code, parameters):
    with pytest.raises(ProtocolError):
        encode(motor, code, parameters)


@pytest.mark.parametrize(
    "frame",
    ["", "FF", "FF FF", "FF FF 01", "00 FF 01 02 01 FB", "FF FF FF 02 01 FB", "FF FF 01 01 FB", "FF FF 01 02 01 FA"],
)
def test_anything_but_a_frame_is_a_protocol_error(frame):
    with pytest.raises(ProtocolError):
        decode(bytes.fromhex(frame))


@given(st.binary(max_size=300))
def test_decoding_any_bytes_gives_a_packet_or_a_protocol_error(data):
    with contextlib.suppress(ProtocolError):
        assert frame_of(decode(data)) == data


@given(packets, st.integers(0, 258), st.integers(0, 7))
def test_a_flipped_bit_never_gives_the_same_packet(packet, place, bit):
    frame = bytearray(frame_of(packet))
    frame[place % len(frame)] ^= 1 << bit
    with pytest.raises(ProtocolError):
        decode(bytes(frame))


@given(st.lists(plain, max_size=8), st.data())
def test_the_chunks_of_a_stream_do_not_matter(sent, data):
    stream = b"".join(map(frame_of, sent))
    decoder, got, start = Decoder(), [], 0
    while start < len(stream):
        size = data.draw(st.integers(1, 40))
        got += decoder.feed(stream[start : start + size])
        start += size
    assert got == sent
    assert (decoder.corrupt, decoder.discarded, decoder.pending) == (0, 0, 0)


@given(plain, st.integers(1, 65), st.lists(plain, min_size=1, max_size=3))
def test_a_cut_off_frame_costs_only_itself(cut, left, after):
    frame = frame_of(cut)
    decoder = Decoder()
    decoder.feed(frame[: -min(left, len(frame) - 1)])
    got = decoder.feed(b"".join(map(frame_of, after)))
    # One false frame in 256 has the right checksum and destroys the next frame; later ones are safe.
    assert got[-1] == after[-1] or len(after) == 1
    assert decoder.pending <= FRAME_BYTES_MAX


@settings(max_examples=200)
@given(st.binary(max_size=2000), plain)
def test_the_decoder_resynchronises_within_one_frame(noise, packet):
    decoder = Decoder()
    decoder.feed(noise)
    got = decoder.feed(bytes(FRAME_BYTES_MAX) + frame_of(packet))
    assert got[-1] == packet
    assert decoder.pending == 0


def test_a_false_header_with_a_large_length_does_not_delay_the_next_frame():
    frame = bytes.fromhex("FF FF 01 04 02 38 02 BE")
    decoder = Decoder()
    assert decoder.feed(b"\xff\xff\x05\xff" + frame) == [decode(frame)]
    assert decoder.corrupt == 1
    assert decoder.discarded == 4


def test_a_header_may_follow_stray_header_bytes():
    frame = bytes.fromhex("FF FF 01 04 02 38 02 BE")
    for count in range(1, 5):
        assert Decoder().feed(b"\xff" * count + frame) == [decode(frame)]


def test_reset_discards_an_incomplete_frame_and_counts_nothing():
    frame = bytes.fromhex("FF FF 01 04 02 38 02 BE")
    decoder = Decoder()
    assert decoder.feed(frame[:5]) == []
    assert decoder.pending == 5
    decoder.reset()
    assert decoder.pending == 0
    assert decoder.feed(frame) == [decode(frame)]
    assert (decoder.corrupt, decoder.discarded) == (0, 0)


def test_of_nested_frames_the_inner_one_is_found():
    """A limitation of the decoder, in a protocol without byte stuffing."""
    inner = bytes.fromhex("FF FF 01 04 02 38 02 BE")
    decoder = Decoder()
    assert decoder.feed(encode(2, Instruction.WRITE, inner + b"\x00")) == [decode(inner)]
    assert decoder.corrupt == 1


def test_bad_checksum_is_counted():
    decoder = Decoder()
    assert decoder.feed(bytes.fromhex("FF FF 01 04 02 38 02 BF")) == []
    assert decoder.corrupt == 1


@pytest.mark.parametrize("seed", range(3))
def test_any_bytes_take_bounded_work_and_raise_nothing(seed):
    source = random.Random(seed)
    frames = [bytes.fromhex(text) for text in GOLDEN]
    decoder = Decoder()
    for _ in range(300):
        data = bytearray(b"".join(source.choices(frames, k=8)))
        for _ in range(source.randrange(6)):
            data[source.randrange(len(data))] = source.choice((0xFF, source.randrange(256)))
        for packet in decoder.feed(bytes(data[source.randrange(9) :])):
            assert checksum(frame_of(packet)[2:-1]) == frame_of(packet)[-1]
        assert decoder.pending <= FRAME_BYTES_MAX
