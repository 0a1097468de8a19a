"""The bench interfaces of the families, by the protocol of their bus; `motors scan` tries them in this order."""

from collections.abc import Callable

from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock
from sim2real.hardware.dynamixel.workbench import DynamixelBench
from sim2real.hardware.feetech.workbench import FeetechBench
from sim2real.hardware.moteus.workbench import MoteusBench
from sim2real.hardware.workbench.interface import BenchBus

BENCHES: dict[str, Callable[[Transport, Clock], BenchBus]] = {
    "dynamixel2": DynamixelBench,
    "feetech": FeetechBench,
    "moteus": MoteusBench,
}
