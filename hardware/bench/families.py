"""The bench interfaces of the families, by the protocol of their bus; `motors scan` tries them in this order."""

from collections.abc import Callable

from hardware.bench.interface import BenchBus
from hardware.clock import Clock
from hardware.dynamixel.bench import DynamixelBench
from hardware.feetech.bench import FeetechBench
from hardware.moteus.bench import MoteusBench
from hardware.transport import Transport

BENCHES: dict[str, Callable[[Transport, Clock], BenchBus]] = {
    "dynamixel2": DynamixelBench,
    "feetech": FeetechBench,
    "moteus": MoteusBench,
}
