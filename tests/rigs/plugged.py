"""Emulated robots plugged in at device paths, on a virtual clock, and hands that do what an instruction asks for."""

from sim2real.configs.load import load_robot
from sim2real.hardware.clock import MonotonicClock, VirtualClock
from sim2real.hardware.commands.terminal_guide import TerminalGuide
from sim2real.hardware.emulator.lockstep import LockstepTransport
from sim2real.hardware.emulator.plant import InertiaPlant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.errors import HardwareError


class Plugged:
    """A robot at each path; a command in this process finds it there.

    Args:
        monkeypatch: Of pytest.
        robots: Robot by device path, its name, or its configuration and one of its ports.
    """

    def __init__(self, monkeypatch, **robots) -> None:
        self.clock = VirtualClock()
        self._robots, self._ports = {}, {}
        for path, robot in robots.items():
            config, port = (load_robot(robot), "") if isinstance(robot, str) else robot
            self._robots[f"/dev/{path}"], self._ports[f"/dev/{path}"] = config, port
        self.emulated = {}
        self.plug()
        for place in ("workbench.port", "robot_ports", "commands.imu"):
            monkeypatch.setattr(f"sim2real.hardware.{place}.SerialPort", self._open)
        monkeypatch.setattr(MonotonicClock, "now_ns", lambda _: self.clock.now_ns())
        monkeypatch.setattr(MonotonicClock, "sleep_until_ns", lambda _, until: self.clock.sleep_until_ns(until))
        monkeypatch.setattr(TerminalGuide, "ask", lambda _, instruction: self._do(instruction))

    def plug(self) -> None:
        """Plug in robots as they are when new."""
        self.emulated = {
            path: EmulatedRobot(robot, InertiaPlant(robot), start_ns=self.clock.now_ns())
            for path, robot in self._robots.items()
        }

    def take_apart(self) -> None:
        """Pull the cables of all motors."""
        for emulated in self.emulated.values():
            for joint in emulated.motors:
                emulated.hands.disconnect(joint)

    def connect_only(self, emulated, joint) -> None:
        """Connect one motor, and pull the cables of the others if one has its id: they would talk at once."""
        motor = emulated.motors[joint]
        for other, each in emulated.motors.items():
            if other != joint and each.id == motor.id:
                emulated.hands.disconnect(other)
        emulated.hands.connect(joint)

    def torques(self) -> list[bool]:
        return [motor.torque_enabled for each in self.emulated.values() for motor in each.motors.values()]

    def _open(self, path, baudrate, clock):
        if path not in self.emulated:
            raise HardwareError(f"{path}: no such port")
        emulated = self.emulated[path]
        name = self._ports[path]
        (line,) = [emulated.ports[name]] if name else emulated.lines.values()
        port = LockstepTransport(emulated, line, self.clock)
        port.path, port.latency_timer_ms = path, None
        port.set_baudrate(baudrate)
        return port

    def _do(self, instruction) -> None:
        """Do with the joints, on every robot, what a person is asked to do."""
        joint, _, what = instruction.partition(": ")
        for path, emulated in self.emulated.items():
            joints = self._robots[path].joints
            middle = [sum(each.position_limits) / 2.0 for each in joints.values()]
            if instruction.startswith("Move every joint"):
                emulated.plant.position[:] = middle
            elif "end in the" in what and joint in joints:
                limits = joints[joint].position_limits
                emulated.plant.position[list(joints).index(joint)] = limits["positive" in what]
            elif "connect only" in what and joint in joints:
                self.connect_only(emulated, joint)
            elif "disconnect every motor" in what:
                self.take_apart()
        self.clock.sleep_until_ns(self.clock.now_ns() + 50_000_000)  # the motors see it after the plant's next step
