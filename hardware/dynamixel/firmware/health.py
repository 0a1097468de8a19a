"""Self-check of an X-series motor: Hardware Error Status (70), and whether Shutdown (63) acts on it."""

from enum import IntFlag

from sim2real.configs.schema.motor import MotorConfig
from sim2real.hardware.dynamixel.firmware.memory import Memory


class HardwareErrorBit(IntFlag):
    """Bits of Hardware Error Status (70) and Shutdown (63)."""

    INPUT_VOLTAGE = 0x01
    OVERHEATING = 0x04
    ENCODER = 0x08
    ELECTRICAL_SHOCK = 0x10
    OVERLOAD = 0x20


# The e-Manual calls it a persistent load beyond the maximum output and gives no figures; these are assumptions.
_OVERLOAD_DUTY = 0.95
_OVERLOAD_SPEED_SHARE = 0.05
_OVERLOAD_S = 2.0


class Health:
    """Hardware errors of one motor, judged at each check. What has shut the motor down stays until a reboot."""

    def __init__(self, motor: MotorConfig, memory: Memory) -> None:
        self._memory = memory
        self._overload_speed = _OVERLOAD_SPEED_SHARE * motor.nominal.no_load_speed
        self._overloaded_s = 0.0
        self._raised = 0
        self.status = 0
        """Hardware Error Status (70)."""

    @property
    def shut_down(self) -> bool:
        """Whether an error holds torque off."""
        return bool(self.status & self._memory.get("shutdown"))

    def reset(self) -> None:
        """Forget everything, as a reboot does."""
        self.status = self._raised = 0
        self._overloaded_s = 0.0

    def raise_error(self, bit: HardwareErrorBit) -> None:
        """Report an error that stays until a reboot."""
        self._raised |= bit

    def check(self, temperature: float, voltage: float, duty: float, velocity: float, elapsed_s: float) -> bool:
        """Judge readings in °C, V, share of full voltage, rad/s, s since the last; return whether torque must go."""
        get = self._memory.get
        stalled = abs(duty) >= _OVERLOAD_DUTY and abs(velocity) < self._overload_speed
        self._overloaded_s = self._overloaded_s + elapsed_s if stalled else 0.0
        if self._overloaded_s >= _OVERLOAD_S:
            self.raise_error(HardwareErrorBit.OVERLOAD)
        live = 0
        if not get("min_voltage_limit") <= round(voltage * 10.0) <= get("max_voltage_limit"):
            live |= HardwareErrorBit.INPUT_VOLTAGE
        if temperature > get("temperature_limit"):
            live |= HardwareErrorBit.OVERHEATING
        self._raised |= live & get("shutdown")
        self.status = self._raised | live
        return self.shut_down
