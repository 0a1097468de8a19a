"""The goal registers of an emulated X-series motor: what a mode, torque, a stop and a boot make of them.

Source: ROBOTIS e-Manual, XM430-W350.
"""

from math import inf
from typing import Final

from sim2real.configs.schema.motor import MotorConfig
from sim2real.hardware.dynamixel.firmware.control import CURRENT, CURRENT_POSITION, POSITION_MODES, PWM, ControlLoop
from sim2real.hardware.dynamixel.firmware.memory import Memory
from sim2real.hardware.dynamixel.gains import PWM_FULL
from sim2real.hardware.firmware.encoder import Encoder
from sim2real.hardware.firmware.motor import MotorGoal, Shaft

_RESET_BY_MODE: Final = (
    "velocity_i_gain",
    "velocity_p_gain",
    "position_d_gain",
    "position_i_gain",
    "position_p_gain",
    "feedforward_2nd_gain",
    "feedforward_1st_gain",
    "profile_acceleration",
    "profile_velocity",
)


class Goals:
    """Sets the goal registers of one motor, and the control loop by them."""

    def __init__(self, config: MotorConfig, memory: Memory, shaft: Shaft, encoder: Encoder, loop: ControlLoop) -> None:
        self._config, self._memory, self._shaft, self._encoder, self._loop = config, memory, shaft, encoder, loop

    def latch(self) -> None:
        """Set the goal position to the present position."""
        counts = self._encoder.counts(self._shaft.angle)
        self._memory.set("goal_position", counts)
        velocity = self._shaft.velocity
        self._loop.latch(float(counts), -velocity if self._encoder.reversed else velocity)
        self._loop.load_goals()

    def reset(self) -> None:
        """Set the initial goals of the mode; in current-based position mode, Goal Current is a limit."""
        memory = self._memory
        mode = memory.get("operating_mode")
        self._fill_pwm(mode)
        if memory.has("goal_current"):
            memory.set("goal_current", memory.get("current_limit") if mode == CURRENT_POSITION else 0)
        memory.set("goal_velocity", 0)
        self.latch()

    def begin(self) -> None:
        """Set what torque on sets: full PWM but in PWM mode, and the present position."""
        self._fill_pwm(self._loop.mode)
        self.latch()

    def stop(self) -> None:
        """Stop as a watchdog does: zero current, PWM or velocity, or hold the position that it is in, without ramps."""
        for name in ("goal_velocity", "profile_acceleration", "profile_velocity"):
            self._memory.set(name, 0)
        if self._loop.mode == CURRENT:
            self._memory.set("goal_current", 0)
        elif self._loop.mode == PWM:
            self._memory.set("goal_pwm", 0)
        self._loop.load_gains()
        self.latch()

    def forget_gains(self) -> None:
        """Reset gains and profile, as another operating mode does."""
        for name in _RESET_BY_MODE:
            self._memory.set(name, self._memory.table[name].initial)

    def present(self) -> MotorGoal:
        """Return what the registers tell the motor to do now."""
        get, sign, mode = self._memory.get, -1.0 if self._encoder.reversed else 1.0, self._loop.mode
        current = get("goal_current") * self._config.effort_unit if self._memory.has("goal_current") else 0.0
        if mode not in POSITION_MODES:
            return MotorGoal(None, sign * current if mode == CURRENT else 0.0, 0.0, 0.0, inf)
        stiffness, damping = self._loop.gains
        limit = abs(current) if mode == CURRENT_POSITION else inf
        limit = min(limit, get("goal_pwm") / PWM_FULL * self._config.nominal.stall_torque)
        return MotorGoal(self._encoder.angle(get("goal_position")), 0.0, stiffness, damping, limit)

    def _fill_pwm(self, mode: int) -> None:
        self._memory.set("goal_pwm", 0 if mode == PWM else self._memory.get("pwm_limit"))
