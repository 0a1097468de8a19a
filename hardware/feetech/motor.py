"""The STS motor of one joint: register access, configuration, torque."""

import math

from sim2real.configs.schema.robot import JointConfig
from sim2real.hardware.calibrated import check_calibration
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.feetech.client import Client, Identity
from sim2real.hardware.feetech.frame import Alarm, Instruction
from sim2real.hardware.feetech.gains import position_gains, torque_limit
from sim2real.hardware.feetech.motor_registers import MotorRegisters
from sim2real.hardware.feetech.schema import registers_of
from sim2real.hardware.feetech.tables import (
    COARSE_STEPS,
    FINE_VELOCITY,
    FULL_ANGLE,
    MODEL_NAMES,
    MULTI_TURN_COUNTS_MAX,
    REVERSED,
    TORQUE_OFF,
    TORQUE_ON,
    sts_table,
)
from sim2real.hardware.turns import Window, fits_one_turn, joint_angle, motor_turns, turn_notice
from sim2real.hardware.types import MotorFault

_POSITION_MODE = 0
_VOLTAGE_CLASS = 1.0  # V: more than a user's change of the limit, less than from 7.4 V to 12 V
_CLAMP_MAX = 11  # steps: a hold is moved by less than 1° to be within the motor's own limits
_FACTORY = ("minimum_startup_force", "cw_dead_zone", "ccw_dead_zone", "velocity_p_gain", "velocity_i_gain")
"""Registers of the control loop that nobody needs to change."""
_AT_MOST = (
    "max_temperature_limit",
    "protection_current",
    "protective_torque",
    "protection_time",
    "overload_torque",
    "overcurrent_time",
)
"""Protections: a lower value acts sooner."""
_OFF_BYTES = 9  # torque enable to torque limit, without its high byte
_FAULTS = {
    Alarm.VOLTAGE: MotorFault.VOLTAGE,
    Alarm.ENCODER: MotorFault.ENCODER,
    Alarm.OVERHEATING: MotorFault.OVERHEATING,
    Alarm.OVERCURRENT: MotorFault.OVERLOAD,
    Alarm.OVERLOAD: MotorFault.OVERLOAD,
}
_ALL_BITS = 0xFF
_MEANING = (
    "phase",
    "angular_resolution",
    "position_offset",
    "operating_mode",
    "min_position_limit",
    "max_position_limit",
)


class Motor(MotorRegisters):
    """An STS motor on a bus, in position mode.

    Attributes:
        identity: Reported identity; None before `check_model`.
        goal_range: Lowest and highest accepted goal, in steps.
        many_turns: Whether the joint moves across the end of the encoder's turn.
        one_turn: Whether the joint moves less than one turn, so that its limits decide in which one it is.
        turns: Turns to add to Present Position, so that the joint is within its position limits.
        velocity_steps: step/s per unit of Present Velocity and Goal Velocity.
    """

    def __init__(
        self, joint: str, config: JointConfig, client: Client, quick: Client, position_margin: float = 0.0
    ) -> None:
        """Prepare the motor; nothing is sent.

        Args:
            joint: Name of the joint.
            config: Configuration of the joint.
            client: Client of the bus for set-up, with retries.
            quick: Client for questions that must not wait long.
            position_margin: How far the joint may be outside its position limits, rad.
        """
        super().__init__(joint, config.id, sts_table(config.motor), client)
        self.config = config
        self.identity: Identity | None = None
        self.velocity_steps = 1.0
        self._quick = quick
        self._window = Window.of(config, position_margin)
        self.turns = 0
        self.one_turn = self._window.within_a_turn
        low, high = sorted(self.counts(angle) for angle in config.position_limits)
        last = config.motor.counts_per_revolution - 1
        self.many_turns = not fits_one_turn(config, self._window, config.motor.counts_per_revolution)
        self.goal_range = (-MULTI_TURN_COUNTS_MAX, MULTI_TURN_COUNTS_MAX) if self.many_turns else (0, last)
        self.middle = round((low + high) / 2)

    @property
    def torque_limit(self) -> int:
        """Torque Limit (48) for the joint's effort limit, in 0.1 % of the stall torque."""
        return torque_limit(self.config)

    @property
    def goal_velocity(self) -> int:
        """Goal Velocity (46) for the joint's velocity limit, in the motor's unit; at least 1, as 0 is special."""
        steps = self.config.velocity_limit * self.config.motor.counts_per_revolution / math.tau
        return max(1, min(32_767, math.floor(steps / self.velocity_steps + 1e-9)))

    def counts(self, angle: float) -> float:
        """Return the motor's steps at a joint angle, rad."""
        motor_angle = self.config.direction * angle + self.config.zero
        return motor_angle * self.config.motor.counts_per_revolution / math.tau

    def check_model(self, identity: Identity) -> None:
        """Raise HardwareError if the motor is not the configured model."""
        self.identity = identity
        expected = registers_of(self.config.motor).model_number
        if identity.model_number != expected:
            raise HardwareError(
                f"{self.name}: found {model_name(identity.model_number)}, "
                f"but {self.config.motor.name} is configured, {model_name(expected)}"
            )

    def prepare(self) -> None:
        """Switch torque off. Raises HardwareError if the motor has an alarm."""
        self.set("torque_enable", TORQUE_OFF)
        highest, configured = self.get("max_voltage_limit") / 10, self.config.motor.voltage_range[1]
        if highest > configured + _VOLTAGE_CLASS:
            self.notices.append(
                f"{self.name}: it allows {highest:.1f} V, but {self.config.motor.name} only {configured:.1f} V: "
                "it is probably the version for a higher voltage, and weak and slow on this supply"
            )
        status = self.get("status")
        if status:
            names = ", ".join(fault.name.lower() for fault in faults_of(status) if fault.name)
            raise HardwareError(
                f"{self.name}: alarm {names} (status 0x{status:02x}) with torque off; check its supply, let it "
                f"cool, free its shaft, then reboot it (`sim2real motors reboot --id {self.id} --port PORT`) or cycle "
                "its power"
            )

    def configure(self) -> None:
        """Write the settings of the configuration; EEPROM is unlocked and written only where it differs.

        Raises:
            HardwareError: The motor does not answer, or does not accept a value.
        """
        self._check_range()
        gains = position_gains(self.config)
        wanted = {
            "return_delay_time": 0,
            "response_status_level": 1,
            "position_p_gain": gains.p,
            "position_i_gain": gains.i,
            "position_d_gain": gains.d,
        }
        self.ensure(wanted | self._protections())
        self.settle()
        check_calibration(self.name, self.config, self.meaning(), ("operating_mode",))
        phase = self.get("phase")
        self.velocity_steps = 1.0 if phase & FINE_VELOCITY else float(COARSE_STEPS)
        if phase & REVERSED and self.config.calibration is None:
            self.notices.append(
                f"{self.name}: its phase ({phase}) reverses the counting direction; set `direction` accordingly"
            )
        if not self.many_turns:
            self.goal_range = self.get("min_position_limit"), self.get("max_position_limit")
            self._check_goal_range()
        self.set("acceleration", 0)
        self.set("goal_time", 0)
        self.set("goal_velocity", self.goal_velocity)
        self.set("torque_limit", self.torque_limit)
        self._find_turn()

    def _protections(self) -> dict[str, int]:
        """Return factory values for registers that another program made looser; stricter protections are kept."""
        table = self.table
        wanted = {name: table[name].initial for name in _FACTORY}
        wanted["unloading_condition"] = self.get("unloading_condition") | table["unloading_condition"].initial
        wanted |= {name: min(self.get(name), table[name].initial) for name in _AT_MOST}
        return wanted

    def settle(self) -> None:
        """Write the registers that decide what a position means, where they differ. Raises HardwareError."""
        phase = self.get("phase")
        low, high = self.get("min_position_limit"), self.get("max_position_limit")
        wanted = {
            "operating_mode": _POSITION_MODE,
            "phase": phase | FULL_ANGLE if self.many_turns else phase & ~FULL_ANGLE & _ALL_BITS,
        }
        if self.many_turns:
            wanted |= {"min_position_limit": 0, "max_position_limit": 0}
        elif low == high == 0:  # multi-turn mode from an earlier use
            wanted |= {"max_position_limit": self.config.motor.counts_per_revolution - 1}
        self.ensure(wanted)

    def meaning(self) -> dict[str, float]:
        """Return the registers that decide what a position means. Raises HardwareError.

        Single-turn and multi-turn mode differ by whole turns only, so neither the bit of the phase nor the limits that
        choose it are among them: limits of 0 and 0 are returned as those of a whole turn.
        """
        found = {name: self.get(name) for name in _MEANING}
        found["phase"] &= ~FULL_ANGLE
        if found["min_position_limit"] == found["max_position_limit"] == 0:
            found["max_position_limit"] = self.config.motor.counts_per_revolution - 1
        return {name: float(value) for name, value in found.items()}

    def _find_turn(self) -> None:
        """Find the turn; say so if it is not the one of the motor, and what will keep torque from being switched on."""
        position = self.get("present_position")
        problem = self._lay(position)
        if problem is not None:
            self.notices.append(f"{self.name}: torque will be refused: {problem}")
        elif self.turns:
            self.notices.append(f"{self.name}: {turn_notice(self.turns)}")

    def _lay(self, position: int) -> str | None:
        """Find the turns to add to a Present Position; return why exactly one turn does not fit, if so."""
        angle = position * math.tau / self.config.motor.counts_per_revolution
        self.turns = motor_turns(self.config, self._window, angle)
        return self._window.problem(joint_angle(self.config, angle))

    def hold(self) -> None:
        """Set the goal to the present position. Raises HardwareError."""
        low, high = self.goal_range
        position = self.get("present_position")
        self.set("lock", 1)
        problem = self._lay(position)
        if problem is not None:
            raise HardwareError(f"{self.name}: {problem}")
        if not low - _CLAMP_MAX <= position <= high + _CLAMP_MAX:
            raise HardwareError(
                f"{self.name}: present position {position} is outside the motor's own position limits {low}..{high} "
                "(steps): registers 9 and 11 are from another program; write "
                f"0 and {self.config.motor.counts_per_revolution - 1} with Feetech's software, or move it between them"
            )
        self.set("goal_position", min(max(position, low), high))

    def enable(self) -> None:
        """Set the joint's limits and switch torque on. Raises HardwareError unless everything reads back as set."""
        self.set("goal_velocity", self.goal_velocity)  # RAM: reset by a power cycle since `configure`
        self.set("torque_limit", self.torque_limit)
        self.set("torque_enable", TORQUE_ON)

    def restart(self) -> bool:
        """Reboot the motor if it has an alarm with torque off; return whether it had. Raises HardwareError."""
        if not self.get("status"):
            return False
        self._client.request(self.id, Instruction.REBOOT, b"", reply_bytes=0, tries=1)
        return True

    def answers(self) -> bool:
        """Return whether it answers one question. Raises PortLostError."""
        return self._client.identify(self.id, 1) is not None

    def torque_is_off(self) -> bool:
        """Return whether the motor confirms that torque is off, asked once. Raises PortLostError."""
        # Several registers, because a late reply to a question for one register could be taken for this reply.
        question = bytes((self.table["torque_enable"].address, _OFF_BYTES))
        reply = self._quick.request(self.id, Instruction.READ, question, _OFF_BYTES, tries=1)
        return reply is not None and reply.parameters[0] == TORQUE_OFF

    def _check_range(self) -> None:
        low, high = sorted(self.counts(angle) for angle in self.config.position_limits)
        if not self.one_turn and not -MULTI_TURN_COUNTS_MAX <= low <= high <= MULTI_TURN_COUNTS_MAX:
            turns = MULTI_TURN_COUNTS_MAX / self.config.motor.counts_per_revolution
            raise HardwareError(f"{self.name}: position_limits exceed the {turns:.1f} turns that the motor can count")

    def _check_goal_range(self) -> None:
        low, high = sorted(self.counts(angle) for angle in self.config.position_limits)
        base = math.floor(low / self.config.motor.counts_per_revolution) * self.config.motor.counts_per_revolution
        low, high = low - base, high - base
        if not self.goal_range[0] - 1 <= low <= high <= self.goal_range[1] + 1:
            self.notices.append(f"{self.name}: its position limits {self.goal_range} are narrower than the joint's")


def faults_of(status: int) -> MotorFault:
    """Return the faults in a Status (65) or in the error byte of a reply."""
    faults = MotorFault(0)
    for bit in (1 << shift for shift in range(8)):
        if status & bit:
            faults |= _FAULTS.get(Alarm(bit), MotorFault.OTHER)
    return faults


def model_name(model_number: int) -> str:
    """Return the name and number of a model."""
    return f"{MODEL_NAMES.get(model_number, 'an unknown model')} ({model_number})"
