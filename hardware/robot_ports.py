"""Opens the serial ports of a robot's buses and IMUs."""

from collections.abc import Mapping

from sim2real.configs.schema.robot import BusConfig, ImuConfig, RobotConfig
from sim2real.hardware.bus.serial_port import SerialPort
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.families import family_of_bus
from sim2real.hardware.torque_off import confirm_off, send_off


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
    valid = [*robot.buses, *robot.imus]
    for name in overrides:
        if name not in valid:
            kind = "bus or IMU" if robot.imus else "bus"
            raise HardwareError(f"robot {robot.name!r} has no {kind} {name!r}; valid: {', '.join(valid)}")
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
