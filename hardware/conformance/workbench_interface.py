"""Conformance suite of the workbench interface: `sim2real motors` finds, shows and sets what the motors have."""

import math

from sim2real.configs.schema.robot import BusConfig
from sim2real.hardware.conformance.rig import Rig
from sim2real.hardware.conformance.subject import Subject, raised
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.families import family_of_bus
from sim2real.hardware.firmware.motor import EmulatedMotor
from sim2real.hardware.workbench.change import change_id, find_motor
from sim2real.hardware.workbench.interface import Workbench


class WorkbenchConformance(Subject):
    """Laws for single motors on the first bus of a robot; subclass as `class TestAcmeWorkbench` and set `robot`."""

    def test_scan_lists_every_motor_once_by_id(self) -> None:
        """At the baud rate of the bus, with the protocol of the robot YAML."""
        rig, workbench, baudrate = self._bench()
        found = workbench.scan(baudrate)
        assert [motor.id for motor in found] == sorted(motor.id for motor in self._motors(rig))
        assert {motor.protocol for motor in found} == {self._bus(rig)[1].protocol}

    def test_an_id_that_no_motor_has_is_not_found(self) -> None:
        """By `find`, and by `find_motor` over baud rates."""
        rig, workbench, baudrate = self._bench()
        free = max(set(workbench.ids) - {motor.id for motor in rig.motors})
        assert workbench.find(free, baudrate) is None
        assert str(free) in str(raised(HardwareError, lambda: find_motor(workbench, free, (baudrate,))))

    def test_register_names_are_unique(self) -> None:
        """The decoded table of a motor is not empty, and no name occurs twice."""
        rig, workbench, baudrate = self._bench()
        motor = self._motors(rig)[0].id
        workbench.find(motor, baudrate)
        names = [register.name for register in workbench.registers(motor)]
        assert names
        assert len(set(names)) == len(names)

    def test_readings_are_those_of_the_motor(self) -> None:
        """Position, voltage and temperature at the motor, without direction and zero."""
        rig, workbench, baudrate = self._bench()
        motor = self._motors(rig)[0]
        workbench.find(motor.id, baudrate)
        reading = workbench.reading(motor.id)
        assert abs(reading.position - motor.shaft.angle) <= 1.01 * rig.count()
        turn = math.remainder(workbench.power_up_position(motor.id) - motor.shaft.angle, math.tau)
        assert abs(turn) <= 1.01 * rig.count()
        assert abs(reading.voltage - motor.shaft.voltage) <= 0.11
        assert abs(reading.temperature - motor.shaft.temperature) <= 1.0

    def test_torque_enabled_is_reported(self) -> None:
        """Off after power-up, on after a driver has enabled it."""
        rig, workbench, baudrate = self._bench()
        motor = self._motors(rig)[0].id
        find_motor(workbench, motor, (baudrate,))
        assert not workbench.torque_enabled(motor)
        rig.enabled()
        workbench.set_baudrate(baudrate)
        assert workbench.torque_enabled(motor)

    def test_a_changed_id_is_persistent(self) -> None:
        """The motor answers to it at once, and after a power cycle."""
        rig, workbench, baudrate = self._bench()
        motor = self._motors(rig)[0]
        free = max(set(workbench.ids) - {other.id for other in rig.motors})
        change_id(workbench, find_motor(workbench, motor.id, (baudrate,)), free)
        motor.boot(rig.clock.now_ns(), 0)
        assert motor.id == free
        found = workbench.find(free, baudrate)
        assert found is not None
        assert found.id == free

    def _bench(self) -> tuple[Rig, Workbench, int]:
        rig = self.rig()
        name, bus = self._bus(rig)
        transport = lockstep_transports(rig.emulated, rig.clock)[name]
        return rig, family_of_bus(bus).workbench(transport, rig.clock), round(bus.baudrate)

    def _bus(self, rig: Rig) -> tuple[str, BusConfig]:
        return next(iter(rig.config.buses.items()))

    def _motors(self, rig: Rig) -> list[EmulatedMotor]:
        return rig.emulated.lines[self._bus(rig)[0]].motors
