"""Laws of the fixed layout of a group reply: only exactly the intact reply of the motors that were asked is taken."""

import pytest
from fastcrc.crc16 import umts as crc16

from sim2real.configs.load import load_motor
from sim2real.hardware.dynamixel.frame import encode_fast_status, encode_status
from sim2real.hardware.dynamixel.layout import ReplyLayout
from sim2real.hardware.dynamixel.state_reader import reading_registers
from sim2real.hardware.dynamixel.tables import x_series_table

IDS = (3, 1, 7)
LENGTH = 12
ALERT = 0x80


def laid_out(fast: bool, errors: tuple[int, ...] = (0, 0, 0)) -> tuple[ReplyLayout, bytearray]:
    """Return a layout, and its memory with an intact reply in it."""
    registers = reading_registers(x_series_table(load_motor("xm430_w350")))
    fields = {name: registers[name] for name in ("effort", "velocity", "position")}
    replies = [(motor, error, bytes(range(motor, motor + LENGTH))) for motor, error in zip(IDS, errors, strict=True)]
    frame = encode_fast_status(replies) if fast else b"".join(encode_status(*reply) for reply in replies)
    memory = bytearray(frame.ljust(512, b"\xaa"))
    layout = ReplyLayout(memory, IDS, fields, LENGTH, fast)
    assert layout.reply_bytes == len(frame)
    return layout, memory


@pytest.mark.parametrize("fast", [True, False])
def test_an_intact_reply_is_taken_and_any_other_length_is_not(fast: bool):
    layout, _ = laid_out(fast)
    taken = [received for received in range(2 * layout.reply_bytes) if layout.intact(received)]
    assert taken == [layout.reply_bytes]


@pytest.mark.parametrize("fast", [True, False])
def test_every_wrong_bit_is_noticed(fast: bool):
    layout, memory = laid_out(fast)
    errors = {
        place for place in range(layout.reply_bytes) for bit in range(8) if not noticed(layout, memory, place, bit)
    }
    assert errors == set()


def noticed(layout: ReplyLayout, memory: bytearray, place: int, bit: int) -> bool:
    """Return whether a reply with one wrong bit is refused."""
    memory[place] ^= 1 << bit
    refused = not layout.intact(layout.reply_bytes)
    memory[place] ^= 1 << bit
    return refused


def test_a_wrong_group_in_the_middle_is_noticed_though_the_last_crc_covers_it():
    """The last motor computes its CRC over the bytes that it received: they may have been damaged already."""
    layout, memory = laid_out(fast=True)
    last = layout.reply_bytes - 2
    memory[12] ^= 0x10
    memory[last : last + 2] = crc16(bytes(memory[:last])).to_bytes(2, "little")
    assert not layout.intact(layout.reply_bytes)


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("motor", range(len(IDS)))
def test_an_error_of_any_motor_is_seen_in_an_intact_reply(fast: bool, motor: int):
    errors = tuple(ALERT if index == motor else 0 for index in range(len(IDS)))
    layout, _ = laid_out(fast, errors)
    assert layout.intact(layout.reply_bytes)
    assert not layout.faultless()
    assert layout.errors.tolist() == list(errors)
    assert laid_out(fast)[0].faultless()
