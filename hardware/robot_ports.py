"""Opens the serial ports of a robot's buses and IMUs."""

from collections.abc import Mapping, Sequence

from sim2real.configs.schema.robot import BusConfig, ImuConfig, RobotConfig
from sim2real.hardware.bus.serial_port import SerialPort
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.families import family_of_bus
from sim2real.hardware.torque_off import confirm_off, send_off


def port_paths(robot: RobotConfig, options: Sequence[str]) -> dict[str, str]:
    """Return paths by bus or IMU, from what was given as `--port`.

    Args:
        robot: The robot.
        options: Each `BUS=PATH` or `IMU=PATH`; the port of a robot with a single one may be given as `PATH`.

    Raises:
        HardwareError: There is no such bus or IMU, no path, or one is given twice.
    """
    names = [*robot.buses, *robot.imus]
    paths: dict[str, str] = {}
    for option in options:
        name, separator, path = option.partition("=")
        if len(names) == 1 and option not in names and (not separator or "/" in name):
            name, path = names[0], option
        if not (name and path):
            raise HardwareError(f"--port {option}: must be NAME=PATH, for example {names[0]}=/dev/ttyUSB0")
        if name not in names:
            raise HardwareError(_no_such_port(robot, name))
        if name in paths:
            raise HardwareError(f"--port {option}: {name} is at {paths[name]} already")
        paths[name] = path
    return paths


def _no_such_port(robot: RobotConfig, name: str) -> str:
    kind = "bus or IMU" if robot.imus else "bus"
    return f"robot {robot.name!r} has no {kind} {name!r}; valid: {', '.join([*robot.buses, *robot.imus])}"


def open_serial_ports(robot: RobotConfig, overrides: Mapping[str, str], clock: Clock) -> dict[str, Transport]:
    """Open the port of each bus that has joints, and of each IMU.

    If one does not open, torque off is sent on the buses that do: a program that was killed may have left it on.

    Args:
        robot: The robot.
        overrides: Paths by bus or IMU name; they override the YAML's ports.
        clock: The clock of the ports.

    Raises:
        HardwareError: A bus or IMU does not exist or has no path, or a port does not open; all opened ports are closed
            again.
    """
    for name in overrides:
        if name not in [*robot.buses, *robot.imus]:
            raise HardwareError(_no_such_port(robot, name))
    used = {joint.bus for joint in robot.joints.values()}
    wanted: list[tuple[str, str, BusConfig | ImuConfig]] = [
        *(("bus", name, bus) for name, bus in robot.buses.items() if name in used),
        *(("IMU", name, imu) for name, imu in robot.imus.items()),
    ]
    ports: dict[str, Transport] = {}
    errors: list[HardwareError] = []
    for kind, name, config in wanted:
        path = overrides.get(name, config.port)
        try:
            if path is None:
                raise HardwareError(
                    f"no port for {kind} {name!r}: give its path (--port {name}=PATH) or set `port` in the robot YAML"
                )
            ports[name] = SerialPort(path, round(config.baudrate), clock)
        except HardwareError as error:
            errors.append(error)
    if errors:
        try:
            _switch_off(robot, ports, clock)
        finally:
            for port in ports.values():
                port.close()
        raise errors[0]
    return ports


def _switch_off(robot: RobotConfig, ports: Mapping[str, Transport], clock: Clock) -> None:
    """Switch torque off on the buses whose ports are open, as far as their motors answer."""
    buses = [
        family_of_bus(bus).driver(
            bus,
            {joint: config for joint, config in robot.joints.items() if config.bus == name},
            robot.safety,
            ports[name],
            clock,
        )
        for name, bus in robot.buses.items()
        if name in ports
    ]
    send_off(buses)
    confirm_off(buses, clock)
