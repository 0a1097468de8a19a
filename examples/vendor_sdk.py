"""The vendor's SDK talks to the emulated robot: its own program, unchanged, without a motor.

Needs `pip install dynamixel-sdk`. The port is a pseudo-terminal; the motors behind it answer with the bytes of real
ones, so a program that works here has the protocol right.

Prints, for example:
    motor 1 is model 1020
    went from 2048 to 3072 of 4096 counts a turn
"""

import time

from dynamixel_sdk import COMM_SUCCESS, PacketHandler, PortHandler, port_handler

import sim2real

MOTOR = 1
TORQUE_ENABLE, OPERATING_MODE, GOAL_POSITION, PRESENT_POSITION = 64, 11, 116, 132  # of the X series' control table
POSITION_MODE = 3
GOAL = 3072  # a quarter of a turn from the middle
TOLERANCE = 20
TIMEOUT_S = 10.0


def main() -> None:
    """Turn a motor by a quarter of a turn, as the SDK's own examples do."""
    with sim2real.emulate("pendulum", plant="inertia") as emulated:
        port_handler.LATENCY_TIMER = 150  # ms that the SDK waits; a busy machine may not run the emulator at once
        port, packets = PortHandler(emulated.ports["main"]), PacketHandler(2.0)
        port.openPort()
        port.setBaudRate(1_000_000)
        model, result, _ = packets.ping(port, MOTOR)
        if result != COMM_SUCCESS:
            raise SystemExit(packets.getTxRxResult(result))
        print(f"motor {MOTOR} is model {model}")
        start, _, _ = packets.read4ByteTxRx(port, MOTOR, PRESENT_POSITION)
        packets.write1ByteTxRx(port, MOTOR, OPERATING_MODE, POSITION_MODE)
        packets.write1ByteTxRx(port, MOTOR, TORQUE_ENABLE, 1)
        packets.write4ByteTxRx(port, MOTOR, GOAL_POSITION, GOAL)
        position, until = start, time.monotonic() + TIMEOUT_S
        while abs(position - GOAL) > TOLERANCE and time.monotonic() < until:
            position, _, _ = packets.read4ByteTxRx(port, MOTOR, PRESENT_POSITION)
        packets.write1ByteTxRx(port, MOTOR, TORQUE_ENABLE, 0)
        port.closePort()
        print(f"went from {start} to {position} of 4096 counts a turn")


if __name__ == "__main__":
    main()
