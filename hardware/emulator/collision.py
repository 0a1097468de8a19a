"""What a receiver makes of two motors that reply at once, because they share an id."""

from sim2real.hardware.firmware.device_protocol import Reply

_FRAME_BITS = 10  # start bit, eight data bits, stop bit


def on_one_wire(first: Reply, second: Reply, late_bits: int = 1) -> Reply:
    """Return the result on a line that each motor can pull low.

    No two motors are equally quick: the second one starts a bit later, so that even equal replies are damaged. In the
    reply to a group, each motor waits for the one before it; there `late_bits` is 0.
    """
    early, late = _bits(first.data), [1] * late_bits + _bits(second.data)
    length = max(len(early), len(late))
    early += [1] * (length - len(early))
    late += [1] * (length - len(late))
    line = [one & other for one, other in zip(early, late, strict=True)]
    return Reply(min(first.delay_ns, second.delay_ns), first.baudrate, _bytes(line))


def on_can(first: Reply, second: Reply) -> Reply:
    """Return the result on a CAN bus: equal frames are one frame; others collide after the id, and nothing arrives."""
    data = first.data if first.data == second.data else b""
    return Reply(min(first.delay_ns, second.delay_ns), first.baudrate, data)


def _bits(data: bytes) -> list[int]:
    """Return the levels on the line, least significant bit first."""
    return [level for byte in data for level in (0, *(byte >> bit & 1 for bit in range(8)), 1)]


def _bytes(line: list[int]) -> bytes:
    """Return what a receiver reads: a byte after each start bit, whatever its stop bit."""
    found, at = bytearray(), 0
    while at < len(line):
        if line[at]:
            at += 1
            continue
        byte = line[at + 1 : at + 9]
        byte += [1] * (8 - len(byte))
        found.append(sum(level << bit for bit, level in enumerate(byte)))
        at += _FRAME_BITS
    return bytes(found)
