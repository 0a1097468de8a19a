"""Laws of the fdcanusb line codec, compared with the vendor's library."""

import asyncio

import moteus
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moteus.fdcanusb_device import _append_checksum, _strip_and_validate_checksum

from sim2real.hardware.errors import ProtocolError
from sim2real.hardware.moteus.lines import (
    LINE_BYTES_MAX,
    CanFrame,
    ChecksumError,
    Line,
    LineBuffer,
    crc8,
    decode_line,
    decode_send,
    encode_answer,
    encode_received,
    encode_send,
    pad,
    strip_checksum,
)

payloads = st.binary(max_size=64)
ids = st.integers(0, 0x1FFFFFFF)
soup = st.lists(
    st.sampled_from([b"can send ", b"rcv ", b"OK", b"ERR ", b" *", b"8001 ", b"0g", b"11001F", b"\n", b"\r", b" "])
    | st.binary(max_size=8)
).map(b"".join)


def test_checksum_is_that_of_the_documentation():
    assert crc8(b"") == 0
    assert crc8(b"\x01") == 0x97
    assert encode_answer("OK", checksum=True) == b"OK *2A\r\n"[: len(b"OK *")] + b"%02X\r\n" % crc8(b"OK ")


@given(st.binary(max_size=80))
def test_checksums_are_the_library_s(text):
    assert _append_checksum(text)[-2:] == b"%02X" % crc8(text + b" ")


@given(ids, payloads, st.booleans())
def test_a_sent_frame_round_trips_padded(can_id, data, checksum):
    line = encode_send(can_id, data, checksum)
    assert line.endswith(b"\n")
    assert len(line) <= LINE_BYTES_MAX
    content, checked = strip_checksum(line.rstrip())
    assert checked == checksum
    assert decode_send(content) == CanFrame(can_id, pad(data))
    assert pad(data)[: len(data)] == data
    assert set(pad(data)[len(data) :]) <= {0x50}


@given(ids, payloads, st.booleans())
def test_a_received_frame_round_trips(can_id, data, checksum):
    line = encode_received(can_id, data, checksum).rstrip()
    assert decode_line(line) == Line(CanFrame(can_id, pad(data)), checked=checksum)


def test_hex_digits_may_be_of_either_case():
    assert decode_line(b"rcv 1aB 0aFf E B F") == decode_line(b"rcv 1Ab 0Aff E B F")


@given(ids, payloads, st.integers(0, 1000), st.integers(0, 7))
def test_one_wrong_bit_is_detected(can_id, data, position, bit):
    line = bytearray(encode_received(can_id, data, checksum=True).rstrip())
    line[position % len(line)] ^= 1 << bit
    try:
        seen = decode_line(bytes(line))
    except ProtocolError:
        return
    # If the star or a digit after it changed, the line has no checksum, which a client with checksums refuses. A digit
    # that only changed its case has the same value.
    assert not seen.checked or seen.frame == CanFrame(can_id, pad(data))


def test_a_frame_has_source_and_destination():
    frame = CanFrame(0x8105, b"")
    assert (frame.source, frame.destination, frame.reply_wanted, frame.prefix) == (1, 5, True, 0)
    assert CanFrame(0x12340105, b"").prefix == 0x1234


@pytest.mark.parametrize("line", [b"rcv", b"hello", b"", b"can send 8001 00", b"rcv 100 0", b"rcv xx 00"])
def test_lines_that_no_adapter_sends_are_errors(line):
    with pytest.raises(ProtocolError):
        decode_line(line)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"can send 8001", "missing data"),
        (b"can send zz 00", "invalid hex in id"),
        (b"can send  00", "invalid hex in id"),
        (b"can send 123456789 00", "invalid hex in id"),
        (b"can send 8001 0", "malformed data"),
        (b"can send 8001 0g", "malformed data"),
        (b"can send 8001 " + b"00" * 65, "malformed data"),
    ],
)
def test_a_malformed_command_gets_the_controller_s_error(line, reason):
    with pytest.raises(ProtocolError, match=reason):
        decode_send(line)


def test_another_command_is_not_a_frame():
    assert decode_send(b"can on") is None


def test_lines_of_the_adapter_itself():
    assert decode_line(b"OK") == Line(None)
    assert decode_line(b"ERR unknown command") == Line(None, "unknown command")
    assert decode_line(encode_answer("ERR checksum", checksum=True).rstrip()) == Line(None, "checksum", checked=True)
    with pytest.raises(ChecksumError):
        decode_line(b"OK *00")


def test_a_star_without_digits_is_text():
    assert strip_checksum(b"OK *zz") == (b"OK *zz", False)


def test_more_data_than_fit_a_frame_are_refused():
    with pytest.raises(ProtocolError):
        encode_send(1, bytes(65), checksum=False)


@given(st.lists(st.tuples(ids, payloads), max_size=5), st.lists(st.integers(1, 40), max_size=40), st.booleans())
def test_the_chunks_of_lines_do_not_matter(frames, cuts, checksum):
    data = b"".join(encode_received(*frame, checksum) for frame in frames)
    buffer, lines = LineBuffer(), []
    for cut in [*cuts, len(data)]:
        lines += buffer.feed(data[:cut])
        data = data[cut:]
    assert [decode_line(line).frame for line in lines] == [CanFrame(i, pad(d)) for i, d in frames]


@given(st.lists(soup, max_size=20), ids, payloads)
def test_after_any_bytes_the_next_line_is_decoded(chunks, can_id, data):
    buffer = LineBuffer()
    for chunk in chunks:
        for line in buffer.feed(chunk):
            assert 0 < len(line) <= LINE_BYTES_MAX
            try:
                decode_line(line)
            except ProtocolError:
                continue
    frames = buffer.feed(b"\n" + encode_received(can_id, data, checksum=True))
    assert decode_line(frames[-1]).frame == CanFrame(can_id, pad(data))


def test_an_endless_line_is_not_buffered_and_counted_once():
    buffer = LineBuffer()
    for _ in range(100):
        assert buffer.feed(b"x" * 100) == []
    assert buffer.pending <= LINE_BYTES_MAX
    assert buffer.feed(b"\nOK\n") == [b"OK"]
    assert buffer.feed(b"y" * 300 + b"\nOK\n") == [b"OK"]
    assert buffer.overlong == 2
    buffer.feed(b"half")
    buffer.reset()
    assert buffer.feed(b"OK\n") == [b"OK"]


class _Serial:
    """Records what the library sends."""

    def __init__(self) -> None:
        self.sent = b""

    def write(self, data: bytes) -> None:
        self.sent += data


@pytest.mark.parametrize("checksum", [True, False])
@given(data=st.binary(min_size=1, max_size=64), motor=st.integers(1, 126), reply=st.booleans())
def test_frames_are_sent_as_the_library_sends_them(checksum, data, motor, reply):
    device = object.__new__(moteus.fdcanusb_device.FdcanusbDevice)
    device._disable_brs, device._checksum_active, device._debug_log = False, checksum, None
    device._padding_hex = "50"  # the library's default
    device._serial = serial = _Serial()
    frame = moteus.transport_device.Frame(
        arbitration_id=reply << 15 | motor, data=data, is_extended_id=True, is_fd=True, bitrate_switch=True
    )
    asyncio.run(device._write_send_frame(frame))
    assert serial.sent == encode_send(reply << 15 | motor, data, checksum)


@given(ids, payloads)
def test_the_library_decodes_our_adapter(can_id, data):
    line = encode_received(can_id, data, checksum=True).rstrip()
    content, had, valid = _strip_and_validate_checksum(line)
    assert had
    assert valid
    device = object.__new__(moteus.fdcanusb_device.FdcanusbDevice)
    frame = device._parse_frame(content)
    assert (frame.arbitration_id, bytes(frame.data)) == (can_id, pad(data))
