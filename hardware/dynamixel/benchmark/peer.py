"""The motors' end of the bus in benchmarks: motors that only store registers, behind a pseudo-terminal.

Runs in its own process: `python -P -m sim2real.hardware.dynamixel.benchmark.peer MOTORS MOTOR_TYPE`.

Replies to group reads are built once and sent again unchanged, so that the peer takes as little time as possible.
"""

import os
import pty
import select
import sys
import tty

from sim2real.configs.load import load_motor
from sim2real.hardware.dynamixel.frame import BROADCAST, Decoder, Instruction, Packet, encode_fast_status, encode_status
from sim2real.hardware.dynamixel.tables import ControlTable, x_series_table

_MEMORY_BYTES = 1024


class MemoryMotor:
    """One motor that only stores its registers."""

    def __init__(self, motor: int, table: ControlTable) -> None:
        self.memory = bytearray(_MEMORY_BYTES)
        for register in table:
            self.memory[register.address : register.end] = register.encode(register.initial)
        self.memory[table["id"].address] = motor
        self.id = motor

    def answer(self, packet: Packet) -> bytes:
        """Return the status frame for an instruction to this motor."""
        data = packet.parameters
        address = int.from_bytes(data[:2], "little")
        if packet.instruction == Instruction.READ:
            size = int.from_bytes(data[2:4], "little")
            return encode_status(self.id, 0, bytes(self.memory[address : address + size]))
        if packet.instruction == Instruction.WRITE:
            self.memory[address : address + len(data) - 2] = data[2:]
            return encode_status(self.id, 0)
        return encode_status(self.id, 0, bytes(self.memory[0:2]) + bytes(self.memory[6:7]))  # ping


class Peer:
    """All motors of the bus."""

    def __init__(self, motors: int, table: ControlTable) -> None:
        self._motors = {motor: MemoryMotor(motor, table) for motor in range(1, motors + 1)}
        self._decoder = Decoder()
        self._canned: dict[bytes, bytes] = {}

    def answer(self, request: bytes) -> bytes:
        """Return the replies to received bytes."""
        canned = self._canned.get(request)
        if canned is not None:
            return canned
        packets = self._decoder.feed(request)
        answers = b"".join(self._answer_packet(packet) for packet in packets)
        if len(packets) == 1 and packets[0].instruction in (Instruction.FAST_SYNC_READ, Instruction.SYNC_READ):
            self._canned[bytes(request)] = answers
        return answers

    def _answer_packet(self, packet: Packet) -> bytes:
        data = packet.parameters
        if packet.instruction not in (Instruction.FAST_SYNC_READ, Instruction.SYNC_READ):
            return b"" if packet.id == BROADCAST else self._motors[packet.id].answer(packet)
        address, size = int.from_bytes(data[:2], "little"), int.from_bytes(data[2:4], "little")
        replies = [(motor, 0, bytes(self._motors[motor].memory[address : address + size])) for motor in data[4:]]
        if packet.instruction == Instruction.FAST_SYNC_READ:
            return encode_fast_status(replies)
        return b"".join(encode_status(*reply) for reply in replies)


def serve(motors: int, motor_type: str) -> None:
    """Print the path of the port, then answer until standard input ends, also when the parent dies."""
    far, near = pty.openpty()
    tty.setraw(near)
    peer = Peer(motors, x_series_table(load_motor(motor_type)))
    sys.stdout.write(os.ttyname(near) + "\n")
    sys.stdout.flush()
    while True:
        readable, _, _ = select.select([far, sys.stdin], [], [])
        if sys.stdin in readable:
            return
        answer = peer.answer(os.read(far, 4096))
        if answer:
            os.write(far, answer)


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2])
