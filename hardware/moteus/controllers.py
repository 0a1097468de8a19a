"""The controllers of a bus: finds, checks, stops and starts all of them."""

import math
from collections.abc import Callable, Iterable, Mapping

from sim2real.configs.schema.robot import JointConfig
from sim2real.hardware.bus.shared_id import shared_id, sharing
from sim2real.hardware.calibrated import check_calibration, check_serial_number
from sim2real.hardware.clock import Clock, ns_from_s
from sim2real.hardware.errors import HardwareError, ProtocolError
from sim2real.hardware.moteus.audit import differences, range_of
from sim2real.hardware.moteus.client import TRIES, Answer, Client
from sim2real.hardware.moteus.commands import STOP, CommandLines
from sim2real.hardware.moteus.console import MEANING, Console
from sim2real.hardware.moteus.identity import IDENTITY, SERIAL_NUMBER, decode_identity, decode_serial_number
from sim2real.hardware.moteus.lines import encode_send
from sim2real.hardware.moteus.reading import QUERY, Reading, decode_reading
from sim2real.hardware.moteus.tables import Mode, advice_for, fault_name
from sim2real.hardware.turns import Window, joint_angle, motor_turns, turn_notice

_START_ROUNDS_MAX = 100
_START_ROUND_NS = ns_from_s(0.01)  # a controller needs some milliseconds to enable its bridge


class Controllers:
    """All controllers of a bus, indexed like the joints.

    Attributes:
        ids: Their ids.
        turns: Turns to add to each reading, so that the joint is within its position limits.
    """

    def __init__(
        self,
        joints: Mapping[str, JointConfig],
        client: Client,
        clock: Clock,
        commands: CommandLines,
        position_margin: float = 0.0,
    ) -> None:
        self._names = tuple(joints)
        self._joints = tuple(joints.values())
        self._places = {joint.id: place for place, joint in enumerate(self._joints)}
        self._client, self._clock, self._commands = client, clock, commands
        self.ids = frozenset(self._places)
        self._windows = [Window.of(joint, position_margin) for joint in self._joints]
        self.turns = [0] * len(self._joints)
        self._console = Console(client)

    def _name(self, place: int) -> str:
        return f"joint {self._names[place]!r} (motor {self._joints[place].id})"

    def identify(self) -> None:
        """Check that every controller answers and is the configured model. Raises HardwareError."""
        missing = set(self.ids)
        for motor in sorted(self.ids):
            if self._client.ask({motor: IDENTITY}) and sharing(self._client, [motor]):
                raise HardwareError(f"{self._name(self._places[motor])}: {shared_id(motor)}")
        for _ in range(TRIES):
            for motor, answer in self._client.ask(dict.fromkeys(missing, IDENTITY)).items():
                identity = decode_identity(answer.data)
                missing.discard(motor)
                identity.check(self._joints[self._places[motor]], self._name(self._places[motor]))
            if not missing:
                return
        names = ", ".join(self._name(self._places[motor]) for motor in sorted(missing))
        raise HardwareError(
            f"no answer from {names}; check power, CAN cable and ids (`sim2real motors scan --port PORT` "
            "lists the motors on a port)"
        )

    def lay(self, place: int, position: float) -> str | None:
        """Find the turns of a controller at a position (rev); return why exactly one turn does not fit, if so."""
        joint, window = self._joints[place], self._windows[place]
        angle = position * math.tau
        self.turns[place] = motor_turns(joint, window, angle)
        self._commands.set_turns(self.turns)
        return window.problem(joint_angle(joint, angle))

    def check(self) -> list[str]:
        """Find the turn of each joint; return notices of that, and of time-outs that a stop will clear.

        Raises:
            HardwareError: A controller is unusable.
        """
        notices: list[str] = []
        for place, reading in self._ask().items():
            name = self._name(place)
            if reading.mode == Mode.FAULT:
                raise HardwareError(
                    f"{name}: fault {fault_name(reading.fault)} is latched; {advice_for(reading.fault)}, then clear it "
                    f"with `sim2real motors reboot --id {self._joints[place].id} --port PORT`"
                )
            if not math.isfinite(reading.position):
                raise HardwareError(f"{name}: has no valid position; check its encoder configuration")
            self._audit(place)
            problem = self.lay(place, reading.position)
            self._check_settings(place)
            if problem is not None:
                notices.append(f"{name}: torque will be refused: {problem}")
            elif self.turns[place]:
                notices.append(f"{name}: {turn_notice(self.turns[place])}")
            if reading.mode == Mode.TIMEOUT:
                notices.append(f"{name}: cleared a time-out of its watchdog")
        return notices

    def _audit(self, place: int) -> None:
        """Read what an earlier owner may have changed. Raises HardwareError if the controller would act otherwise."""
        joint, name = self._joints[place], self._name(place)
        if joint.calibration is not None:
            check_serial_number(name, joint, self._serial_number(joint.id))
            check_calibration(name, joint, {key: self._console.value(joint.id, key) for key in MEANING})

    def _serial_number(self, motor: int) -> str:
        for _ in range(TRIES):
            answers = self._client.ask({motor: SERIAL_NUMBER})
            if motor in answers:
                return decode_serial_number(answers[motor].data)
        raise HardwareError(f"motor {motor} does not tell its serial number")

    def _check_settings(self, place: int) -> None:
        """Raise HardwareError if gains or position bounds are not those that the joint needs."""
        joint, name = self._joints[place], self._name(place)
        for found in differences(self._console, joint, self.turns[place]):
            low, high = range_of(joint, self.turns[place])
            moves = f"; the joint moves from {low:.3f} to {high:.3f} rev" if math.isnan(found.wanted) else ""
            raise HardwareError(
                f"{name}: {found.register} is {found.found:g}, wanted is {found.wanted:g}: {found.effect}{moves}. "
                f"`sim2real motors check ROBOT --fix` sets it (or `moteus_tool -c`: `conf set {found.register} "
                f"{found.wanted:g}`, `conf write`); if the controller is right, change {joint.motor.name}"
            )

    def _ask(self) -> dict[int, Reading]:
        """Query every controller, with retries; return the readings by index. Raises HardwareError."""
        readings: dict[int, Reading] = {}
        for _ in range(TRIES):
            missing = [motor for motor, place in self._places.items() if place not in readings]
            if not missing:
                return readings
            answers = self._client.ask(dict.fromkeys(missing, QUERY))
            readings.update((place, reading) for place, _, reading in self.decoded(answers.values()))
        names = ", ".join(self._name(place) for place in range(len(self._names)) if place not in readings)
        if names:
            raise HardwareError(f"no answer from {names}")
        return readings

    def decoded(
        self, answers: Iterable[Answer], decode: Callable[[bytes], Reading] = decode_reading
    ) -> Iterable[tuple[int, Answer, Reading]]:
        """Yield index, reply and reading of each valid reply; count the others as corrupt."""
        for answer in answers:
            try:
                reading = decode(answer.data)
            except ProtocolError:
                self._client.counters.corrupt += 1
            else:
                yield self._places[answer.motor], answer, reading

    def stop(self) -> list[str]:
        """Stop all controllers; return the reason for each that did not confirm. The next reply confirms a stop."""
        moving = set(self.ids)
        try:
            for _ in range(TRIES):
                answers = self._client.ask(dict.fromkeys(sorted(moving), STOP + QUERY))
                for _, answer, reading in self.decoded(answers.values()):
                    if reading.mode == Mode.STOPPED:
                        moving.discard(answer.motor)
                if not moving:
                    return []
        except HardwareError as error:
            return [str(error)]
        return [f"{self._name(self._places[motor])} does not confirm that it stopped" for motor in sorted(moving)]

    def ask_stopped(self, waiting: set[int], margin_s: float) -> None:
        """Send a stop to these controllers once more, and remove from the set those whose reply confirms one.

        Raises:
            PortLostError: The port vanished.
        """
        ids = [self._joints[place].id for place in sorted(waiting)]
        answers = self._client.ask(dict.fromkeys(ids, STOP + QUERY), margin_s)
        for place, _, reading in self.decoded(answers.values()):
            if reading.mode == Mode.STOPPED:
                waiting.discard(place)

    def start(self) -> bytes:
        """Enter position mode at the present positions; keep commanding all controllers until the last one has started.

        Returns:
            The lines of the command, to be sent again.

        Raises:
            HardwareError: A controller has a fault or does not start.
        """
        positions = {place: reading.position for place, reading in self._ask().items()}
        for place, position in positions.items():
            if not math.isfinite(position):
                raise HardwareError(f"{self._name(place)}: has no valid position")
            problem = self.lay(place, position)
            if problem is not None:
                raise HardwareError(f"{self._name(place)}: {problem}")
        commands = [
            (joint.id, self._commands.hold(place, positions[place])) for place, joint in enumerate(self._joints)
        ]
        holds = {motor: command + QUERY for motor, command in commands}
        started: set[int] = set()
        for _ in range(_START_ROUNDS_MAX):
            for place, _, reading in self.decoded(self._client.ask(holds).values()):
                if reading.mode == Mode.FAULT:
                    raise HardwareError(f"{self._name(place)}: fault {fault_name(reading.fault)}")
                if reading.mode == Mode.POSITION:
                    started.add(place)
            if len(started) == len(self._joints):
                return b"".join(encode_send(motor, command, bool(self._client.checksum)) for motor, command in commands)
            self._clock.sleep_until_ns(self._clock.now_ns() + _START_ROUND_NS)
        names = ", ".join(self._name(place) for place in range(len(self._joints)) if place not in started)
        raise HardwareError(f"{names}: position mode does not start")
