"""Electrical model of a robot's motors: supply, windings and heat, from datasheet values."""

from collections.abc import Sequence
from dataclasses import dataclass

from sim2real.configs.schema.robot import RobotConfig

AMBIENT = 25.0
"""Ambient temperature, and the temperature of winding resistances in datasheets, °C."""

COPPER_COEFFICIENT = 0.00393
"""Temperature coefficient of the resistance of annealed copper at 20 °C, 1/K (IEC 60028)."""

_THERMAL_STEP_S = 0.1  # thermal time constants of motors are minutes


@dataclass(slots=True)
class Supply:
    """A supply and what its motors get of it."""

    nominal: float
    """Voltage of the unloaded supply, V. A brown-out changes it."""
    resistance: float
    """Internal resistance of the supply and its cable, Ω. A fault changes it."""
    voltage: float
    """Voltage at the motors, V: that of the unloaded supply minus the drop over its internal resistance."""

    def set_nominal(self, voltage: float) -> None:
        """Change the voltage of the unloaded supply, V, and at the motors at once."""
        self.nominal = self.voltage = voltage


class Electrics:
    """DC motors at their output shafts; every list has one entry per joint, in the order of the robot's joints.

    The model is the one that MuJoCo's `<dcmotor nominal="V stall_torque no_load_speed">` derives from the datasheet:
    K = V / no-load speed, R = K·V / stall torque, i = (v - K·ω) / R, torque = K·i. Datasheets give a larger stall
    current than V / R, because gear losses reduce the stall torque but not the current. The current register therefore
    has its own constant, torque_constant = stall torque / stall current. A motor reports current, and takes current
    goals, as torque / torque_constant, so a current goal of τ / torque_constant delivers τ until the voltage saturates.

    Plain floats: the dozen numpy calls of a step would cost as much as the arithmetic for fifteen motors.
    """

    def __init__(self, robot: RobotConfig, timestep_s: float) -> None:
        motors = [joint.motor for joint in robot.joints.values()]
        nominal = [motor.nominal for motor in motors]
        self.motor_constant = [n.voltage / n.no_load_speed for n in nominal]
        """K: V·s/rad, and N·m/A of winding current."""
        self.torque_constant = [motor.torque_constant for motor in motors]
        """N·m per ampere of the current register."""
        self._resistance_cold = [
            constant * n.voltage / n.stall_torque for constant, n in zip(self.motor_constant, nominal, strict=True)
        ]
        self.resistance = list(self._resistance_cold)
        """Winding resistance at the present temperature, Ω."""
        self.temperature = [AMBIENT] * len(motors)
        """Winding temperature, °C."""
        self.torque = [0.0] * len(motors)
        """Torque at the output shafts, in the motors' own direction, N·m."""
        named = {None: (robot.supply_voltage, robot.supply_resistance)} | {
            name: (supply.voltage, supply.resistance) for name, supply in robot.supplies.items()
        }
        self.supplies: dict[str | None, Supply] = {
            name: Supply(voltage, ohms, voltage) for name, (voltage, ohms) in named.items()
        }
        """Supplies by name; None is the robot's own."""
        self.fed_by = [self.supplies[joint.supply] for joint in robot.joints.values()]
        """The supply of each motor."""
        self._heat = [0.0] * len(motors)
        self._heat_capacity = [motor.thermal.heat_capacity for motor in motors]
        self._thermal_resistance = [motor.thermal.resistance for motor in motors]
        self._feeding = [
            (supply, [index for index, other in enumerate(self.fed_by) if other is supply])
            for supply in self.supplies.values()
        ]
        self._dt = timestep_s
        self._thermal_steps = max(1, round(_THERMAL_STEP_S / timestep_s))
        self._steps = 0

    def step(self, duty: Sequence[float | None], velocity: Sequence[float]) -> None:
        """Advance one timestep.

        Args:
            duty: Terminal voltage as a share of the supply, clipped to -1..1; None where the bridge is open and no
                current flows.
            velocity: Velocities of the output shafts in the motors' own direction, rad/s.
        """
        for supply, fed in self._feeding:
            self._load(supply, fed, duty, velocity)
        self._steps += 1
        if self._steps >= self._thermal_steps:
            self._update_temperatures()

    def _load(
        self, supply: Supply, fed: Sequence[int], duty: Sequence[float | None], velocity: Sequence[float]
    ) -> None:
        """Drive the motors of one supply for a timestep, and let it sag under them."""
        voltage = supply.voltage
        conductance, generated = 0.0, 0.0
        torque, heat, resistance, constants = self.torque, self._heat, self.resistance, self.motor_constant
        for index in fed:
            demand = duty[index]
            if demand is None:
                torque[index] = 0.0
                continue
            share = 1.0 if demand > 1.0 else -1.0 if demand < -1.0 else demand
            constant, ohms = constants[index], resistance[index]
            emf = constant * velocity[index]
            current = (share * voltage - emf) / ohms
            torque[index] = constant * current
            heat[index] += current * current
            conductance += share * share / ohms
            generated += share * emf / ohms
        # The bridge is a buck converter: power in equals power out, so the supply current is duty times the winding
        # current. A bench supply cannot sink current. The voltage is solved implicitly for these duties: an explicit
        # update oscillates if the winding resistance is not far above the supply's internal resistance.
        source = supply.resistance
        sagged = (supply.nominal + source * generated) / (1.0 + source * conductance)
        supply.voltage = min(supply.nominal, sagged)

    def _update_temperatures(self) -> None:
        """Integrate the temperatures since the last call: C·dT/dt = R·i² - (T - ambient) / thermal resistance."""
        elapsed = self._steps * self._dt
        for index, cold in enumerate(self._resistance_cold):
            joules = self._heat[index] * self.resistance[index] * self._dt
            joules -= elapsed * (self.temperature[index] - AMBIENT) / self._thermal_resistance[index]
            self.temperature[index] += joules / self._heat_capacity[index]
            self.resistance[index] = cold * (1.0 + COPPER_COEFFICIENT * (self.temperature[index] - AMBIENT))
            self._heat[index] = 0.0
        self._steps = 0
