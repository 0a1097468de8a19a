"""Laws of the emulated half-duplex line: exact timing, order, collisions, baud rates."""

from itertools import pairwise

import pytest
from emulated import MS, TIMEOUT_NS, Bench
from fastcrc.crc16 import umts
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real.hardware.dynamixel.frame import BROADCAST, Decoder, Instruction, StatusError, decode_fast_status, encode

BYTE_NS = 10_000  # ten bits at 1 Mbaud
DELAY_NS = 500_000  # factory Return Delay Time


def test_reply_arrives_after_request_return_delay_and_its_own_bytes():
    bench = Bench()
    reply = bench.ask(Instruction.PING)
    assert reply is not None
    assert reply.arrived_ns == 10 * BYTE_NS + DELAY_NS + 14 * BYTE_NS


def test_return_delay_follows_its_register():
    bench = Bench()
    bench.write("return_delay_time", 0)
    start_ns = bench.clock.now_ns()
    assert bench.ask(Instruction.PING).arrived_ns - start_ns == 24 * BYTE_NS


def test_a_write_takes_the_time_of_its_bytes_and_a_read_ends_at_its_deadline():
    bench = Bench()
    bench.transport.write(bytes(100))
    assert bench.clock.now_ns() == 100 * BYTE_NS
    assert bench.transport.read_into(memoryview(bytearray(8)), 1_234_567) == 0
    assert bench.clock.now_ns() == 1_234_567


def test_sync_read_replies_come_in_request_order_one_after_the_other():
    bench = Bench(3)
    replies = bench.sync_read("present_position", [3, 1, 2])
    assert [reply.id for reply in replies] == [3, 1, 2]
    gaps = {after.arrived_ns - before.arrived_ns for before, after in pairwise(replies)}
    assert gaps == {DELAY_NS + 15 * BYTE_NS}


def test_a_sync_read_ends_before_the_first_missing_motor():
    bench = Bench(3)
    assert [reply.id for reply in bench.sync_read("present_position", [1, 7, 2])] == [1]


def test_fast_sync_read_is_one_packet_with_one_return_delay():
    bench = Bench(3)
    start_ns = bench.clock.now_ns()
    bench.send(Instruction.FAST_SYNC_READ, bench.block("present_position") + bytes((2, 3, 1)), BROADCAST)
    sent_ns = bench.clock.now_ns()
    buffer = bytearray(256)
    count = bench.transport.read_into(memoryview(buffer), sent_ns + TIMEOUT_NS)
    assert count == 8 + 3 * 8
    assert bench.clock.now_ns() == sent_ns + DELAY_NS + count * BYTE_NS
    assert sent_ns - start_ns == 17 * BYTE_NS
    (packet,) = Decoder().feed(bytes(buffer[:count]))
    assert [motor for motor, _, _ in decode_fast_status(packet, 3, 4)] == [2, 3, 1]


def test_bulk_read_answers_each_motor_its_own_block():
    bench = Bench(2)
    blocks = b"\x02" + bench.block("led") + b"\x01" + bench.block("present_position")
    bench.send(Instruction.BULK_READ, blocks, BROADCAST)
    assert [(reply.id, len(reply.data)) for reply in bench.listen()] == [(2, 1), (1, 4)]


def test_group_writes_reach_each_motor_and_get_no_reply():
    bench = Bench(2)
    bench.send(Instruction.SYNC_WRITE, bench.block("led") + bytes((1, 1, 2, 1)), BROADCAST)
    assert bench.listen() == []
    assert [bench.read("led", to=i) for i in (1, 2)] == [1, 1]
    blocks = b"\x01" + bench.block("led") + b"\x00" + b"\x02" + bench.block("profile_velocity") + b"\x05\x00\x00\x00"
    bench.send(Instruction.BULK_WRITE, blocks, BROADCAST)
    assert bench.listen() == []
    assert (bench.read("led"), bench.read("profile_velocity", to=2)) == (0, 5)


def test_broadcast_ping_answers_in_the_order_of_ids():
    bench = Bench(3)
    bench.write("id", 9)
    bench.send(Instruction.PING, to=BROADCAST)
    assert [reply.id for reply in bench.listen()] == [2, 3, 9]


def test_new_instruction_cancels_a_pending_reply():
    bench = Bench(2)
    bench.send(Instruction.PING, to=1)
    bench.send(Instruction.PING, to=2)
    assert [reply.id for reply in bench.listen()] == [2]
    assert bench.emulated.lines["main"].cancelled == 1


def test_a_motor_drops_its_pending_reply_when_it_receives_an_instruction():
    bench = Bench(2)
    write = encode(1, Instruction.WRITE, bench.value("led", 1))
    bench.transport.write(write + encode(1, Instruction.READ, bench.block("led")))  # both within the return delay
    (reply,) = bench.listen()
    assert reply.value == 1


def test_instructions_in_one_write_are_executed_in_order():
    bench = Bench()
    led = encode(BROADCAST, Instruction.SYNC_WRITE, bench.block("led") + bytes((1, 1)))
    bench.transport.write(led + encode(1, Instruction.READ, bench.block("led")))
    (reply,) = bench.listen()
    assert reply.value == 1


def test_half_an_instruction_waits_for_its_other_half():
    bench = Bench()
    frame = encode(1, Instruction.PING)
    bench.transport.write(frame[:5])
    bench.wait(0.01)
    bench.transport.write(frame[5:])
    assert len(bench.listen()) == 1


def test_a_damaged_instruction_is_not_executed_but_the_next_one_is():
    bench = Bench()
    frame = bytearray(encode(1, Instruction.WRITE, bench.value("led", 1)))
    frame[-1] ^= 1
    bench.transport.write(bytes(frame))
    assert [reply.error for reply in bench.listen()] == [StatusError.CRC]
    assert bench.read("led") == 0
    assert bench.emulated.lines["main"].protocol.damaged == 1


def test_an_unstuffed_instruction_is_executed_and_counted():
    bench = Bench(2)
    address = bench.table["profile_velocity"].address.to_bytes(2, "little")
    # Profile velocity 0xFDFFFF is out of range: the error reply shows that it was executed.
    stuffed = encode(1, Instruction.WRITE, address + b"\xff\xff\xfd\x00")
    unstuffed = bytearray(stuffed.replace(b"\xff\xff\xfd\xfd", b"\xff\xff\xfd"))
    unstuffed[5] -= 1
    unstuffed[-2:] = umts(bytes(unstuffed[:-2])).to_bytes(2, "little")
    for frame, count in ((stuffed, 0), (bytes(unstuffed), 1)):
        bench.transport.write(frame)
        (reply,) = bench.listen()
        assert reply.error == 4
        assert bench.emulated.lines["main"].protocol.unstuffed == count


@pytest.mark.parametrize("baudrate", [57_600, 115_200, 2_000_000, 4_000_000])
def test_a_client_at_another_baud_rate_gets_no_reply(baudrate):
    bench = Bench()
    bench.transport.set_baudrate(baudrate)
    assert bench.ask(Instruction.PING) is None
    bench.transport.set_baudrate(1_000_000)
    assert bench.ask(Instruction.PING) is not None


def test_a_client_that_changes_its_baud_rate_before_the_reply_reads_garbage():
    bench = Bench()
    bench.send(Instruction.PING)
    bench.transport.set_baudrate(2_000_000)
    assert bench.listen() == []
    assert len(bench.heard) == 14


@pytest.mark.parametrize(("code", "baudrate"), [(1, 57_600), (6, 4_000_000), (7, 4_500_000)])
def test_baud_rate_change_takes_effect_after_the_reply(code, baudrate):
    bench = Bench()
    assert bench.write("baud_rate", code) == 0
    assert bench.ask(Instruction.PING) is None
    bench.transport.set_baudrate(baudrate)
    start_ns = bench.clock.now_ns()
    reply = bench.ask(Instruction.PING)
    assert reply is not None
    assert reply.arrived_ns - start_ns == -(-100 * 1_000_000_000 // baudrate) + DELAY_NS + -(
        -140 * 1_000_000_000 // baudrate
    )


def test_motors_with_one_id_reply_at_the_same_time():
    bench = Bench(2)
    bench.write("led", 1, to=2)
    bench.write("id", 2)
    bench.send(Instruction.READ, bench.block("led"), to=2)
    assert bench.listen() == []
    assert len(bench.heard) > 0


def test_drain_discards_only_received_bytes():
    bench = Bench()
    bench.send(Instruction.PING)
    bench.clock.sleep_until_ns(bench.clock.now_ns() + 5 * MS)
    bench.transport.drain()
    assert bench.listen() == []
    assert bench.ask(Instruction.PING) is not None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=80), max_size=8))
def test_no_bytes_stop_the_motors_from_receiving(chunks):
    bench = Bench()
    for chunk in chunks:
        bench.transport.write(chunk)
    bench.wait(0.3)  # one of them may be a reboot, which takes time
    bench.transport.drain()
    assert bench.ask(Instruction.PING) is not None


def test_a_client_gets_no_reply_to_what_an_earlier_one_asked():
    """The earlier one died with requests on their way: the motors obey them, and nobody hears the replies."""
    bench = Bench()
    line = bench.emulated.lines["main"]
    line.send(0, encode(1, Instruction.WRITE, bench.value("led", 1)) * 3)
    line.hang_up()
    bench.wait(0.1)
    assert bench.listen() == []
    assert bench.motor.memory.get("led") == 1
    assert bench.read("led") == 1
