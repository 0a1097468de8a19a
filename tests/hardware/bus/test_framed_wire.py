"""Laws of packet protocols at the motors' end: one write of a client is split before each header, only there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2real.hardware.dynamixel.firmware.bus import XSeriesProtocol
from sim2real.hardware.dynamixel.frame import HEADER as PROTOCOL_2_HEADER
from sim2real.hardware.feetech.firmware.bus import StsProtocol
from sim2real.hardware.feetech.frame import HEADER as SCS_HEADER
from sim2real.hardware.firmware.packet_protocol import PacketProtocol

WIRES = [(XSeriesProtocol, PROTOCOL_2_HEADER), (StsProtocol, SCS_HEADER)]
STREAMS = st.lists(st.sampled_from([b"\xff", b"\xff\xff", b"\xff\xff\xfd\x00", b"\x01", b"\xfd"]), max_size=8)


@pytest.mark.parametrize(("wire", "header"), WIRES)
@given(parts=STREAMS)
def test_every_piece_after_the_first_starts_with_a_header_and_no_byte_is_lost(wire, header, parts):
    data = b"".join(parts)
    pieces = list(wire().pieces(data))
    assert b"".join(pieces) == data
    assert all(piece.startswith(header) for piece in pieces[1:])
    assert not any(header in piece[len(header) :] for piece in pieces)


@pytest.mark.parametrize(("wire", "header"), WIRES)
def test_a_header_after_a_byte_of_noise_starts_a_piece(wire, header):
    line: PacketProtocol[object] = wire()
    assert list(line.pieces(b"\x01" + header + b"\x02" + header)) == [b"\x01", header + b"\x02", header]
