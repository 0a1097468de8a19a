"""Self-monitoring of an STS motor: Status (65) and Unloading Condition (19)."""

from sim2real.configs.schema.motor import MotorConfig
from sim2real.hardware.feetech.firmware.memory import Memory
from sim2real.hardware.feetech.frame import Alarm
from sim2real.hardware.feetech.schema import registers_of

_PERCENT = 100.0
_TIME_UNIT_S = 0.01


class Health:
    """Alarms of one motor, updated at each check.

    Voltage and temperature alarms last as long as their cause. Overload and over-current stay until torque is switched
    off or the next power-up. This is what users report; the manual does not say.
    """

    def __init__(self, motor: MotorConfig, memory: Memory) -> None:
        self._memory = memory
        self._current_unit = registers_of(motor).current_unit
        self._overloaded_s = 0.0
        self._overcurrent_s = 0.0
        self._latched = Alarm(0)
        self.status = Alarm(0)
        """Status (65), and the error byte of every reply."""

    def reset(self) -> None:
        """Clear latched alarms, as torque off does."""
        self.status &= ~self._latched
        self._latched = Alarm(0)
        self._overloaded_s = self._overcurrent_s = 0.0

    def overload(self) -> None:
        """Latch an overload: a fault."""
        self._latched |= Alarm.OVERLOAD

    @property
    def unloaded(self) -> bool:
        """Whether an alarm enabled in Unloading Condition (19) switches torque off; an overload only reduces it."""
        return bool(self.status & ~Alarm.OVERLOAD & self._memory.get("unloading_condition"))

    @property
    def duty_limit(self) -> float:
        """Largest duty cycle: Protective Torque (34) after an overload, else 1."""
        if self.status & Alarm.OVERLOAD & self._memory.get("unloading_condition"):
            return self._memory.get("protective_torque") / _PERCENT
        return 1.0

    def check(self, temperature: float, voltage: float, duty: float, current: float, elapsed_s: float) -> None:
        """Check the readings.

        Args:
            temperature: °C
            voltage: V
            duty: Share of full voltage.
            current: A
            elapsed_s: Time since the last check, s.
        """
        get = self._memory.get
        overloaded = abs(duty) * _PERCENT >= get("overload_torque")
        self._overloaded_s = self._overloaded_s + elapsed_s if overloaded else 0.0
        if self._overloaded_s > get("protection_time") * _TIME_UNIT_S:
            self._latched |= Alarm.OVERLOAD
        overcurrent = abs(current) > get("protection_current") * self._current_unit
        self._overcurrent_s = self._overcurrent_s + elapsed_s if overcurrent else 0.0
        if self._overcurrent_s > get("overcurrent_time") * _TIME_UNIT_S:
            self._latched |= Alarm.OVERCURRENT
        live = Alarm(0)
        if not get("min_voltage_limit") <= round(voltage * 10.0) <= get("max_voltage_limit"):
            live |= Alarm.VOLTAGE
        if temperature > get("max_temperature_limit"):
            live |= Alarm.OVERHEATING
        self.status = self._latched | live
