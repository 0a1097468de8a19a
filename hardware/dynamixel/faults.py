"""The faults that a motor's registers show."""

from sim2real.hardware.dynamixel.tables import ControlTable
from sim2real.hardware.types import MotorFault

TRIPPED = -1
"""Value of Bus Watchdog (98) after it has expired."""

_FAULTS = {
    0x01: MotorFault.VOLTAGE,
    0x04: MotorFault.OVERHEATING,
    0x08: MotorFault.ENCODER,
    0x10: MotorFault.SHOCK,
    0x20: MotorFault.OVERLOAD,
}


def faults_of(status: int) -> MotorFault:
    """Return the faults in a Hardware Error Status (70)."""
    faults = MotorFault(0)
    for bit in (1 << shift for shift in range(8)):
        if status & bit:
            faults |= _FAULTS.get(bit, MotorFault.OTHER)
    return faults


def faults_of_block(block: bytes, table: ControlTable, torque_wanted: bool, gains: bytes = b"") -> MotorFault:
    """Return the faults shown by registers 64 to 98 of a motor.

    If torque should be on but is off without a fault, or its gains (80 to 85) are not these, the motor has restarted.
    """
    base = table["torque_enable"].address

    def value(name: str) -> int:
        register = table[name]
        return register.decode(block[register.address - base : register.end - base])

    faults = faults_of(value("hardware_error_status"))
    if value("bus_watchdog") == TRIPPED:
        faults |= MotorFault.WATCHDOG
    first = table["position_d_gain"].address - base
    if torque_wanted and not faults and (not value("torque_enable") or block[first : first + len(gains)] != gains):
        faults |= MotorFault.RESTARTED
    return faults
