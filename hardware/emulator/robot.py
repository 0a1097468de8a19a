"""The emulated robot: lines, motors, windings and plant on one clock."""

from collections.abc import Callable
from typing import Any

import numpy as np

from sim2real.configs.schema.robot import JointConfig, RobotConfig
from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.hardware.emulator.electrics import Electrics
from sim2real.hardware.emulator.fault_effects import EmulatedParts, FaultEffects, jamming
from sim2real.hardware.emulator.faults import FaultScript, check_faults
from sim2real.hardware.emulator.hands import Hands
from sim2real.hardware.emulator.imu import ImuLine
from sim2real.hardware.emulator.line import Line
from sim2real.hardware.emulator.plant import Plant
from sim2real.hardware.emulator.port import Port
from sim2real.hardware.families import family_of_bus
from sim2real.hardware.firmware.motor import EmulatedMotor
from sim2real.hardware.imu.sample import Motion

_HEALTH_PERIOD_NS = 10_000_000  # period of the firmware's self-monitoring; an assumption, the e-Manual gives no rate


class EmulatedRobot:
    """Everything behind a robot's serial ports.

    Its state depends only on what is sent and when: time is an argument in integer nanoseconds, and only `advance_to`
    advances it. Motors are powered up at `start_ns` with torque off and factory EEPROM except for id and baud rate;
    they answer at once.

    Raises:
        UserError: A fault names a joint, bus or IMU that the robot does not have, or the plant cannot have it.

    Attributes:
        lines: Buses by name.
        motors: Motors by joint name.
        imus: Lines of the IMUs by name.
        ports: Lines of buses and IMUs, by name.
        faults: The fault script, with its counters.
        hands: Hold, move and load joints, plug and unplug motors and adapters.
        observer: Called with the time, ns, after each instruction that reached motors and each health check, for
            whoever measures at the motors.
    """

    def __init__(
        self, robot: RobotConfig, plant: Plant, faults: FaultsConfig | None = None, seed: int = 0, start_ns: int = 0
    ) -> None:
        joints = robot.joints
        self.config = robot
        self.plant = plant
        script = faults or FaultsConfig(name="none")
        check_faults(script, robot)
        if any(fault.kind == "jammed" for fault in script.faults):
            jamming(plant)
        self.faults = FaultScript(script, seed, start_ns)
        self.observer: Callable[[int], None] | None = None
        self._dt = plant.timestep_ns * 1e-9
        self._now_ns = start_ns
        self.electrics = Electrics(robot, self._dt)
        # motor angle = direction · joint angle + zero, and torque likewise
        self._direction = [float(joint.direction) for joint in joints.values()]
        self._zero = [joint.zero for joint in joints.values()]
        self._effort = np.zeros(len(joints))
        self.motors = {name: _make_motor(robot, joint) for name, joint in joints.items()}
        self._motors = list(self.motors.values())
        self.lines = {
            name: Line(
                name,
                family_of_bus(bus).device_protocol(),
                [motor for joint, motor in self.motors.items() if joints[joint].bus == name],
                round(bus.baudrate),
                self.faults,
            )
            for name, bus in robot.buses.items()
        }
        self.imus = {
            name: ImuLine(name, imu, self._motion, self.faults, seed + number, start_ns)
            for number, (name, imu) in enumerate(robot.imus.items())
        }
        self.ports: dict[str, Port] = {**self.lines, **self.imus}
        self._first_port, *self._other_ports = self.ports.values()
        self._health_ns = start_ns + _HEALTH_PERIOD_NS
        parts = EmulatedParts(
            robot,
            plant,
            self.electrics,
            self.motors,
            self.lines,
            self.imus,
            lambda joint: _make_motor(robot, joints[joint]),
            self._zero,
        )
        self._effects = FaultEffects(parts)
        self.hands = Hands(plant, self.motors, self.lines, self.ports, lambda: self._now_ns)
        self.sense()
        for motor in self._motors:
            motor.boot(start_ns, boot_ns=0)

    @property
    def now_ns(self) -> int:
        """Time of the plant, ns; at most one timestep behind `advance_to`."""
        return self._now_ns

    @property
    def next_ns(self) -> int:
        """Time of the next event that a client could notice, ns."""
        return min(min(port.next_ns, port.delivery_ns) for port in self.ports.values())

    def advance_to(self, now_ns: int) -> None:
        """Process all events up to this time, in order, and step the plant. A past time does nothing."""
        self.answer(now_ns)
        self._step_to(now_ns)

    def answer(self, now_ns: int) -> None:
        """Process the events on the wires up to this time; step the plant only as far as they need it."""
        while True:
            line, event_ns = self._next_event()
            if self.faults.next_ns < event_ns:
                event_ns = self.faults.next_ns
            if event_ns > now_ns:
                break
            if self.faults.next_ns <= event_ns:
                self._step_to(event_ns)
                self.sense()
                self._effects.apply(self.faults.take())
            elif line.instruction_next:
                self._step_to(event_ns)
                self.sense()
                line.process(event_ns)
                self._start_faults_on_torque(event_ns)
                if self.observer is not None:
                    self.observer(event_ns)
            else:
                line.process(event_ns)

    def _next_event(self) -> tuple[Port, int]:
        """Return the port with the next event, and its time; of several at once the first."""
        found, event_ns = self._first_port, self._first_port.next_ns
        for port in self._other_ports:
            next_ns = port.next_ns
            if next_ns < event_ns:
                found, event_ns = port, next_ns
        return found, event_ns

    def joint_angle(self, joint: str) -> float:
        """Return the true joint angle, rad."""
        return float(self.plant.position[list(self.motors).index(joint)])

    def snapshot(self) -> dict[str, Any]:
        """Return the whole state as plain data in SI units, for reports and checks."""
        self.sense()
        return {
            "time_ns": self._now_ns,
            "supply_voltage": self.electrics.supplies[None].voltage,
            "supplies": {name: self.electrics.supplies[name].voltage for name in self.config.supplies},
            "joints": {name: self._joint(index, name) for index, name in enumerate(self.motors)},
            "buses": {
                name: {
                    "plugged": line.plugged,
                    "unstuffed": line.protocol.unstuffed,
                    "damaged": line.protocol.damaged,
                    "cancelled": line.cancelled,
                }
                for name, line in self.lines.items()
            },
            "imus": {name: {"plugged": line.plugged, "fault": line.unit.fault} for name, line in self.imus.items()},
            "torque_off": not any(motor.driven for motor in self._motors),
            "faults_injected": dict(self.faults.injected),
        }

    def _joint(self, index: int, name: str) -> dict[str, Any]:
        motor = self.motors[name]
        return {
            "position": float(self.plant.position[index]),
            "velocity": float(self.plant.velocity[index]),
            "effort": self._direction[index] * self.electrics.torque[index],
            "temperature": motor.shaft.temperature,
            "torque_enabled": motor.torque_enabled,
            "driven": motor.driven,
            "watchdog_tripped": motor.watchdog_tripped,
            "faults": motor.faults,
            "registers": motor.report(self._now_ns),
        }

    def _step_to(self, now_ns: int) -> None:
        timestep_ns = self.plant.timestep_ns
        while self._now_ns + timestep_ns <= now_ns:
            self._now_ns += timestep_ns
            self._step()
            if self._now_ns >= self._health_ns:
                self._check_health()

    def _step(self) -> None:
        """Advance one timestep: firmware loops, windings, plant."""
        electrics, now_ns = self.electrics, self._now_ns
        position, velocity = self._shafts()
        dt = self._dt
        duty = [
            motor.step(now_ns, angle, speed, resistance, supply.voltage, dt) if motor.torque_enabled else None
            for motor, angle, speed, resistance, supply in zip(
                self._motors, position, velocity, electrics.resistance, electrics.fed_by, strict=True
            )
        ]
        electrics.step(duty, velocity)
        self._effort[:] = [d * torque for d, torque in zip(self._direction, electrics.torque, strict=True)]
        self.hands.step()
        self._effort += self.hands.loads
        self.plant.step(self._effort)

    def _shafts(self) -> tuple[list[float], list[float]]:
        """Return angles (rad) and velocities (rad/s) of the motors' output shafts."""
        directions, positions, velocities = self._direction, self.plant.position.tolist(), self.plant.velocity.tolist()
        angles = [d * q + zero for d, q, zero in zip(directions, positions, self._zero, strict=True)]
        return angles, [d * v for d, v in zip(directions, velocities, strict=True)]

    def _motion(self, body: str) -> Motion:
        """Return the motion of a body of the plant, for its IMUs."""
        return self.plant.imu(body)

    def sense(self) -> None:
        """Update the motors' sensor values; done before each instruction and health check."""
        electrics = self.electrics
        position, velocity = self._shafts()
        for index, motor in enumerate(self._motors):
            shaft = motor.shaft
            shaft.angle, shaft.velocity = position[index], velocity[index]
            shaft.torque, shaft.temperature = electrics.torque[index], electrics.temperature[index]
            shaft.voltage = electrics.fed_by[index].voltage
        for index, temperature in self._effects.stuck_temperature.items():
            self._motors[index].shaft.temperature = temperature

    def _check_health(self) -> None:
        self._health_ns += _HEALTH_PERIOD_NS
        self._effects.advance(self._now_ns)
        self.sense()
        for motor in self._motors:
            motor.check_health(_HEALTH_PERIOD_NS * 1e-9)
        if self.observer is not None:
            self.observer(self._now_ns)

    def _start_faults_on_torque(self, now_ns: int) -> None:
        if not self.faults.started and any(motor.torque_enabled for motor in self._motors):
            self.faults.start(now_ns)


def _make_motor(robot: RobotConfig, joint: JointConfig) -> EmulatedMotor:
    bus = robot.buses[joint.bus]
    return family_of_bus(bus).emulated_motor(joint.motor, joint.id, round(bus.baudrate))
