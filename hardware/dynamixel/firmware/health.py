"""Self-monitoring of an X-series motor: Hardware Error Status (70) and Shutdown (63)."""

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


# The e-Manual defines overload as a persistent load above the maximum output, without figures; these are assumptions.
_OVERLOAD_DUTY = 0.95
_OVERLOAD_SPEED_SHARE = 0.05
_OVERLOAD_S = 2.0


class Health:
    """Hardware errors of one motor, updated at each check. An error that shut the motor down stays until a reboot."""

    def __init__(self, motor: MotorConfig, memory: Memory) -> None:
        self._memory = memory
        self._overload_speed = _OVERLOAD_SPEED_SHARE * motor.nominal.no_load_speed
        self._overloaded_s = 0.0
        self._raised = 0
        self.status = 0
        """Hardware Error Status (70)."""

    @property
    def shut_down(self) -> bool:
        """Whether an error keeps torque off."""
        return bool(self.status & self._memory.get("shutdown"))

    def reset(self) -> None:
        """Clear all errors, as a reboot does."""
        self.status = self._raised = 0
        self._overloaded_s = 0.0

    def raise_error(self, bit: HardwareErrorBit) -> None:
        """Report an error that stays until a reboot."""
        self._raised |= bit

    def check(self, temperature: float, voltage: float, duty: float, velocity: float, elapsed_s: float) -> bool:
        """Check the readings; return whether torque must be switched off.

        Args:
            temperature: °C
            voltage: V
            duty: Share of full voltage.
            velocity: rad/s
            elapsed_s: Time since the last check, s.
        """
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
