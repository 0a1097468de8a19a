"""Laws of the register subframes, compared with the vendor's library."""

import math

import moteus
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moteus import multiplex as mp
from moteus import protocol

from sim2real.hardware.errors import ProtocolError
from sim2real.hardware.moteus.frame import (
    REGISTERS_MAX,
    Kind,
    Resolution,
    Subframe,
    encode_error,
    encode_head,
    encode_stream,
    encode_values,
    encode_varuint,
    scaled,
    subframes,
    whole,
)
from sim2real.hardware.moteus.tables import (
    BY_NAME,
    CURES,
    REGISTERS,
    SHADOWS,
    Fault,
    Mode,
    Unit,
    advice_for,
    fault_name,
    motor_fault,
)
from sim2real.hardware.types import MotorFault

registers = st.integers(0, 0x1FF)
integers = st.sampled_from([Resolution.INT8, Resolution.INT16, Resolution.INT32])
floats = st.floats(width=32, allow_nan=False)


@st.composite
def values(draw):
    resolution = draw(st.sampled_from(Resolution))
    count = draw(st.integers(1, 8))
    if resolution == Resolution.FLOAT:
        return resolution, draw(st.lists(floats, min_size=count, max_size=count))
    top = 1 << 8 * (1 << resolution) - 1
    return resolution, draw(st.lists(st.integers(-top, top - 1), min_size=count, max_size=count))


@given(st.sampled_from([Kind.WRITE, Kind.REPLY]), registers, values())
def test_values_round_trip_and_match_the_library(kind, register, coded):
    resolution, numbers = coded
    data = encode_values(kind, register, numbers, resolution)
    seen = list(subframes(data))
    assert [(s.kind, s.register, s.resolution, s.value) for s in seen] == [
        (kind, register + index, resolution, number) for index, number in enumerate(numbers)
    ]
    assert [s.first for s in seen] == [index == 0 for index in range(len(numbers))]
    theirs = list(mp.parse_frame(data))
    assert [(s.register, s.resolution, s.value) for s in theirs] == [(s.register, s.resolution, s.value) for s in seen]


@given(registers, st.integers(1, REGISTERS_MAX), st.sampled_from(Resolution))
def test_reads_round_trip_and_match_the_library(register, count, resolution):
    data = encode_head(Kind.READ, register, count, resolution)
    assert [s.register for s in subframes(data)] == list(range(register, register + count))
    assert [s.register for s in mp.parse_frame(data)] == list(range(register, register + count))


@given(registers, st.integers(0, 0xFFFFFFFF), st.binary(max_size=40))
def test_errors_and_streams_round_trip(register, code, text):
    data = encode_error(Kind.READ_ERROR, register, code) + b"\x50" + encode_stream(Kind.CLIENT_DATA, 1, text)
    assert list(subframes(data)) == [
        Subframe(Kind.READ_ERROR, register, value=code),
        Subframe(Kind.CLIENT_DATA, 1, data=text),
    ]
    assert [s.kind for s in subframes(b"\x42\x01\x30\x41\x01\x02ab")] == [Kind.CLIENT_POLL, Kind.SERVER_DATA]


@pytest.mark.parametrize(
    "data",
    [
        b"\x11",
        b"\x1c\x01",
        b"\x01\x00",
        b"\x0f\x01\x00\x00",
        b"\x40\x01\x05abc",
        b"\x60",
        b"\x11" + b"\xff" * 6,
        b"\x1c\x41\x00",
    ],
)
def test_an_invalid_subframe_is_an_error_after_the_valid_ones(data):
    seen = subframes(b"\x11\x0f" + data)
    assert next(seen).register == 0x0F
    with pytest.raises(ProtocolError):
        list(seen)


def test_an_empty_subframe_is_skipped():
    assert [s.register for s in subframes(b"\x10\x00\x11\x02")] == [2]


@given(st.binary(max_size=64))
def test_any_bytes_take_bounded_work_and_raise_only_protocol_errors(data):
    count = 0
    try:
        for subframe in subframes(data):
            assert isinstance(subframe, Subframe)
            count += 1
    except ProtocolError:
        pass
    assert count <= len(data) * REGISTERS_MAX


@pytest.mark.parametrize("number", [-1, 1 << 32])
def test_a_number_beyond_32_bits_is_refused(number):
    with pytest.raises(ProtocolError):
        encode_varuint(number)


@pytest.mark.parametrize("count", [0, REGISTERS_MAX + 1])
def test_more_registers_than_fit_a_reply_are_refused(count):
    with pytest.raises(ProtocolError):
        encode_head(Kind.READ, 0, count, Resolution.INT8)


@pytest.mark.parametrize(
    ("value", "resolution"), [(200, Resolution.INT8), (0.5, Resolution.INT16), (1e39, Resolution.FLOAT)]
)
def test_a_value_that_does_not_fit_is_refused(value, resolution):
    with pytest.raises(ProtocolError):
        encode_values(Kind.WRITE, 0, [value], resolution)


# --- scaling


SCALED = [register for register in REGISTERS.values() if register.unit is not Unit.NUMBER and register.address < 0x130]
# The library leaves some registers raw; for a scaled register, the smallest number is NaN.
THEIRS = [register for register in SCALED if math.isnan(protocol.scale_register(register.address, mp.INT8, -128))]


def test_almost_all_registers_have_a_scale_in_the_library():
    # It scales no raw voltages, duty cycles or commanded currents.
    assert len(THEIRS) >= 30
    assert all(
        register.address in (*range(0x10, 0x20), 0x2C, 0x40, 0x41) for register in SCALED if register not in THEIRS
    )


@pytest.mark.parametrize("register", THEIRS, ids=lambda register: register.name)
@given(data=st.data(), resolution=integers)
def test_scales_are_the_library_s(register, data, resolution):
    largest = (127, 32767, 2147483647)[resolution]
    raw = data.draw(st.integers(-largest - 1, largest))
    theirs = protocol.scale_register(register.address, resolution, raw)
    ours = scaled(raw, resolution, register.unit.scale(resolution))
    assert ours == pytest.approx(theirs, nan_ok=True)


@given(
    st.floats(-1e6, 1e6) | st.sampled_from([math.nan, math.inf, -math.inf]),
    integers,
    st.sampled_from([0.01, 0.0001, 0.5]),
)
def test_numbers_are_truncated_like_in_the_library(value, resolution, scale):
    assert whole(value, resolution, scale) == mp.saturate(value, resolution, scale)


def test_a_float_is_unchanged():
    assert whole(1.5, Resolution.FLOAT, 0.1) == 1.5
    assert scaled(1.5, Resolution.FLOAT, 0.1) == 1.5
    assert Unit.VOLTAGE.scale(Resolution.FLOAT) == 1.0
    assert Unit.VOLTAGE.symbol == "V"


# --- tables


def test_names_and_addresses_are_the_library_s():
    theirs = {int(register) for register in moteus.Register}
    assert set(REGISTERS) <= theirs | {0x041, 0x120, 0x121, 0x122}
    assert set(SHADOWS) <= theirs
    assert {mode.value for mode in moteus.Mode} <= set(Mode)
    assert len(BY_NAME) == len(REGISTERS)


def test_every_fault_maps_to_a_motor_fault():
    for fault in Fault:
        wanted = motor_fault(Mode.FAULT, fault)
        assert wanted
        assert fault_name(fault).endswith(f"({fault.value})")
        assert advice_for(fault)
    assert set(CURES) <= set(Fault)
    assert motor_fault(Mode.FAULT, 200) == MotorFault.OTHER
    assert fault_name(200) == "unknown (200)"
    assert advice_for(200)
    assert motor_fault(Mode.TIMEOUT, 0) == MotorFault.WATCHDOG
    assert not motor_fault(Mode.POSITION, Fault.LIMIT_TORQUE)
    assert motor_fault(Mode.FAULT, Fault.OVER_TEMPERATURE) == MotorFault.OVERHEATING
