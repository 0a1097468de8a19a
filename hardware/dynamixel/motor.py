"""The Dynamixel motor of one joint: configuration, turns, torque."""

import math

from sim2real.configs.schema.robot import JointConfig
from sim2real.hardware.calibrated import check_calibration
from sim2real.hardware.dynamixel.client import Client
from sim2real.hardware.dynamixel.faults import TRIPPED, faults_of
from sim2real.hardware.dynamixel.frame import ID_MAX, Instruction
from sim2real.hardware.dynamixel.gains import current_limit, effort_is_bounded, position_gains, pwm_limit
from sim2real.hardware.dynamixel.motor_registers import MotorRegisters
from sim2real.hardware.dynamixel.registers import Register
from sim2real.hardware.dynamixel.schema import registers_of
from sim2real.hardware.dynamixel.tables import BUS_WATCHDOG_SINCE, MODEL_NAMES, x_series_table
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.turns import Window, fits_one_turn, joint_angle, motor_turns, turn_notice

CURRENT_MODE, POSITION_MODE, EXTENDED_POSITION_MODE, CURRENT_POSITION_MODE = 0, 3, 4, 5
WATCHDOG_UNIT_S = 0.02
EXTENDED_RANGE = (-1_048_575, 1_048_575)

_MEANING = ("drive_mode", "operating_mode", "homing_offset", "min_position_limit", "max_position_limit")
_REVERSE = 0b1  # Drive Mode (10)
_NO_SECONDARY_ID = 255
_ALL_REPLY = 2  # Status Return Level
_CLAMP_MAX = 11  # counts: a hold is moved by less than 1° to be within the motor's own limits
_OFF_BYTES = 7  # torque enable to hardware error status


class Motor(MotorRegisters):
    """An X-series motor on a bus.

    Attributes:
        firmware: Reported firmware version; 0 before `check_firmware`.
        gains: Position D, I and P Gain (80 to 85) for the joint, as in the control table.
        goal_range: Lowest and highest accepted goal, in units of the goal register.
        turns: Turns to add to Present Position, so that the joint is within its position limits.
    """

    def __init__(
        self,
        joint: str,
        config: JointConfig,
        client: Client,
        quick: Client,
        voltage_max: float,
        position_margin: float = 0.0,
    ) -> None:
        """Prepare the motor; nothing is sent.

        Args:
            joint: Name of the joint.
            config: Configuration of the joint.
            client: Client of the bus for set-up, with retries.
            quick: Client for questions that must not wait long.
            voltage_max: Highest supply voltage that the safety limits allow, V; full PWM is strongest there.
            position_margin: How far the joint may be outside its position limits, rad.
        """
        super().__init__(joint, config.id, x_series_table(config.motor), client)
        self.config = config
        self.firmware = 0
        gains = position_gains(config)
        registers = (self.table[f"position_{name}_gain"] for name in "dip")
        self.gains = b"".join(map(Register.encode, registers, (gains.d, gains.i, gains.p)))
        self._quick = quick
        self._voltage_max = voltage_max
        self._window = Window.of(config, position_margin)
        self.turns = 0
        self._operating_mode = self._choose_operating_mode()
        self._check_range()
        limit = self.current_limit if self._operating_mode == CURRENT_MODE else 0
        self.goal_range: tuple[int, int] = (-limit, limit) if config.mode == "current" else EXTENDED_RANGE

    @property
    def has_current(self) -> bool:
        """Whether the model measures current."""
        return registers_of(self.config.motor).current_limit is not None

    @property
    def current_limit(self) -> int:
        """Current Limit (38) for the joint's effort limit, in the motor's units; 0 if it measures no current."""
        return current_limit(self.config)

    @property
    def pwm_limit(self) -> int:
        """PWM Limit (36): full, or if nothing else limits effort, the PWM that stalls at the effort limit."""
        return pwm_limit(self.config, self._voltage_max)

    @property
    def goal_register(self) -> str:
        """Name of the goal register."""
        return "goal_current" if self.config.mode == "current" else "goal_position"

    def check_model(self, model_number: int) -> None:
        """Raise HardwareError if the motor is not the configured model."""
        expected = registers_of(self.config.motor).model_number
        if model_number != expected:
            raise HardwareError(
                f"{self.name}: found {model_name(model_number)}, "
                f"but {self.config.motor.name} is configured, {model_name(expected)}"
            )

    def check_firmware(self, firmware: int) -> None:
        """Store the firmware version. Raises HardwareError if it has no bus watchdog."""
        self.firmware = firmware
        if firmware < BUS_WATCHDOG_SINCE:
            raise HardwareError(
                f"{self.name}: firmware {firmware} has no bus watchdog, so nothing would stop the motor if the "
                f"program dies; update to {BUS_WATCHDOG_SINCE} or newer with DYNAMIXEL Wizard"
            )

    def prepare(self) -> None:
        """Enable replies and switch torque off. Raises HardwareError if a hardware error is latched."""
        self._enable_replies()
        self.set("torque_enable", 0)
        status = self.get("hardware_error_status")
        if status:
            names = ", ".join(fault.name.lower() for fault in faults_of(status) if fault.name)
            raise HardwareError(
                f"{self.name}: hardware error {names} (status 0x{status:02x}) is latched; remove the "
                f"cause, then reboot the motor (`sim2real motors reboot --id {self.id} --port PORT`) or cycle its power"
            )
        if self.get("bus_watchdog") == TRIPPED:
            self.set("bus_watchdog", 0)
            self.notices.append(f"{self.name}: cleared a bus watchdog that had expired")

    def _enable_replies(self) -> None:
        """Make the motor answer everything; it need not answer this, and the next request shows whether it does."""
        level = self.table["status_return_level"]
        parameters = level.address.to_bytes(2, "little") + level.encode(_ALL_REPLY)
        self._client.request(self.id, Instruction.WRITE, parameters, reply_bytes=0, tries=2)

    def configure(self) -> None:
        """Write the settings of the configuration; EEPROM is written only where it differs. Raises HardwareError."""
        self.ensure("return_delay_time", 0)
        self.settle()
        self._drop_inherited()
        check_calibration(self.name, self.config, self.meaning(), ("drive_mode", "operating_mode"))
        self.ensure("pwm_limit", self.pwm_limit)
        if self.has_current:
            self.ensure("current_limit", self.current_limit)
        if self.config.mode == "position":
            self._set_goal_range()
            self._set_gains()
        self._find_turn()

    def drop_secondary_id(self) -> None:
        """Remove a second id from the motor that answers to the joint's own, and is its model; nothing if none does.

        With it the motor also obeys what is meant for another one. Raises HardwareError.
        """
        identity = self._client.ping(self.id, 1)
        if identity is None or identity.model_number != registers_of(self.config.motor).model_number:
            return
        self._enable_replies()
        secondary = self.get("secondary_id")
        if secondary <= ID_MAX:
            self.set("torque_enable", 0)
            self.ensure("secondary_id", _NO_SECONDARY_ID)
            self.notices.append(f"{self.name}: until now it also obeyed instructions for id {secondary}")

    def _drop_inherited(self) -> None:
        """Write the registers that decide whether and how hard the motor obeys, where another program changed them."""
        factory = registers_of(self.config.motor)
        self.ensure("startup_configuration", 0)  # no torque at power-up
        self.ensure("shutdown", self.get("shutdown") | factory.shutdown)
        if factory.pwm_slope is not None:
            self.ensure("pwm_slope", factory.pwm_slope)
        hottest = self.table["temperature_limit"].initial
        self.ensure("temperature_limit", min(self.get("temperature_limit"), hottest))
        for name in ("feedforward_1st_gain", "feedforward_2nd_gain"):
            self.set(name, 0)

    def settle(self) -> None:
        """Write the registers that decide what a position means, where they differ. Raises HardwareError."""
        if self.get("drive_mode") & _REVERSE and self.config.calibration is None:
            self.notices.append(
                f"{self.name}: its drive mode was reversed; if `zero` and `direction` were measured in that state, "
                "calibrate it again"
            )
        self.ensure("drive_mode", 0)  # not reversed, no time-based profile, no torque on by goal
        if self._operating_mode == POSITION_MODE and self.get("homing_offset"):
            self._operating_mode = EXTENDED_POSITION_MODE  # the offset moves the end of the turn into the range
        self.ensure("operating_mode", self._operating_mode)

    def meaning(self) -> dict[str, float]:
        """Return the registers that decide what a position means. Raises HardwareError."""
        return {name: float(self.get(name)) for name in _MEANING}

    def restart(self) -> bool:
        """Reboot the motor if a hardware error is latched; return whether it was. Raises HardwareError."""
        if not self.get("hardware_error_status"):
            return False
        self._client.request(self.id, Instruction.REBOOT, b"", reply_bytes=0, tries=1)
        return True

    def answers(self) -> bool:
        """Return whether it answers a ping, sent once. Raises PortLostError."""
        return self._client.ping(self.id, 1) is not None

    def torque_is_off(self) -> bool:
        """Return whether the motor confirms that torque is off, asked once. Raises PortLostError."""
        # Several registers, because a late reply to a question for one register could be taken for this reply.
        first = self.table["torque_enable"].address
        parameters = first.to_bytes(2, "little") + _OFF_BYTES.to_bytes(2, "little")
        reply = self._quick.request(self.id, Instruction.READ, parameters, _OFF_BYTES, tries=1)
        return reply is not None and len(reply.parameters) == _OFF_BYTES and reply.parameters[0] == 0

    def enable(self, watchdog: int) -> None:
        """Arm the watchdog and switch torque on. Raises HardwareError unless both read back as set."""
        self.set("bus_watchdog", watchdog)
        self.set("torque_enable", 1)
        if self.get("torque_enable") != 1 or self.get("bus_watchdog") != watchdog:
            raise HardwareError(f"{self.name}: torque or bus watchdog is off after it was switched on")

    def hold(self) -> None:
        """Set the gains, and a goal of zero current or the present position. Raises HardwareError."""
        self.set("bus_watchdog", 0)  # while expired, the motor refuses goals and every value except 0
        position = self.get("present_position")
        self.lay(position)
        problem = self._window.problem(self._joint_angle(position))
        if problem is not None:
            raise HardwareError(f"{self.name}: {problem}")
        if self.config.mode == "current":
            self.set("goal_current", 0)
            return
        self._set_gains()
        if self._operating_mode == CURRENT_POSITION_MODE:
            self.set("goal_current", self.current_limit)  # limits the effort in this mode
        if self._operating_mode == POSITION_MODE:  # torque on resets the turns in this mode, and only in this one
            position %= self.config.motor.counts_per_revolution
            self.lay(position)
        low, high = self.goal_range
        if not low - _CLAMP_MAX <= position <= high + _CLAMP_MAX:
            raise HardwareError(
                f"{self.name}: present position {position} is outside the motor's own position limits {low}..{high} "
                "(counts): Min and Max Position Limit (52, 48) are from another program; write "
                f"0 and {self.config.motor.counts_per_revolution - 1} with DYNAMIXEL Wizard, or move it between them"
            )
        self.set("goal_position", min(max(position, low), high))

    def _choose_operating_mode(self) -> int:
        """Return Operating Mode (11); only current-based position mode has an effort limit."""
        if self.config.mode == "current":
            if not self.has_current:
                raise HardwareError(
                    f"{self.name}: {self.config.motor.name} measures no current, so it has no current mode; "
                    "valid mode: position"
                )
            return CURRENT_MODE
        if effort_is_bounded(self.config) and self.has_current:
            return CURRENT_POSITION_MODE
        one_turn = fits_one_turn(self.config, self._window, self.config.motor.counts_per_revolution)
        return POSITION_MODE if one_turn else EXTENDED_POSITION_MODE

    def _check_range(self) -> None:
        """Raise HardwareError if goals within the position limits cannot be written."""
        low, high = sorted(self.counts(angle) for angle in self.config.position_limits)
        first, last = EXTENDED_RANGE
        if self.config.mode == "position" and not self._window.within_a_turn and not first <= low <= high <= last:
            turns = last / self.config.motor.counts_per_revolution
            raise HardwareError(
                f"{self.name}: position_limits exceed the {turns:.1f} turns in each direction that the motor can count"
            )

    def lay(self, position: int) -> None:
        """Find the turns to add to a Present Position (counts), so that the joint is within its position limits."""
        self.turns = motor_turns(self.config, self._window, self._motor_angle(position))

    def _find_turn(self) -> None:
        """Find the turn; say so if it is not the one of the motor, and what will keep torque from being switched on."""
        position = self.get("present_position")
        self.lay(position)
        problem = self._window.problem(self._joint_angle(position))
        if problem is not None:
            self.notices.append(f"{self.name}: torque will be refused: {problem}")
        elif self.turns:
            self.notices.append(f"{self.name}: {turn_notice(self.turns)}")

    def _motor_angle(self, position: int) -> float:
        return position * math.tau / self.config.motor.counts_per_revolution

    def _joint_angle(self, position: int) -> float:
        return joint_angle(self.config, self._motor_angle(position))

    def counts(self, angle: float) -> float:
        """Return the motor's counts at a joint angle, rad."""
        motor_angle = self.config.direction * angle + self.config.zero
        return motor_angle * self.config.motor.counts_per_revolution / math.tau

    def _set_goal_range(self) -> None:
        if self._operating_mode == POSITION_MODE:
            self.goal_range = self.get("min_position_limit"), self.get("max_position_limit")
            low, high = sorted(self.counts(angle) for angle in self.config.position_limits)
            base = math.floor(low / self.config.motor.counts_per_revolution) * self.config.motor.counts_per_revolution
            low, high = low - base, high - base
            if not self.goal_range[0] <= low <= high <= self.goal_range[1]:
                self.notices.append(f"{self.name}: its position limits {self.goal_range} are narrower than the joint's")
        # A change of the mode resets the profile; without a change, another program's profile may remain.
        self.set("profile_acceleration", 0)
        self.set("profile_velocity", 0)

    def _set_gains(self) -> None:
        """Set the position gains and read them back. They are in RAM, so a power cycle resets them."""
        first, data = self.table["position_d_gain"].address, self.gains
        try:
            self._client.write(self.id, first, data)
            if self._client.read(self.id, first, len(data)) != data:
                raise HardwareError("the motor has others after they were written")
        except HardwareError as error:
            raise type(error)(f"{self.name}, position gains: {error}") from error


def model_name(model_number: int) -> str:
    """Return the name and number of a model."""
    return f"{MODEL_NAMES.get(model_number, 'an unknown model')} ({model_number})"
