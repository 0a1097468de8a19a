"""Laws of all X-series models: their tables match the manual, and the driver works with each of them."""

import math

import numpy as np
import pytest
from emulated import HeldPlant

from sim2real.configs.errors import ConfigError
from sim2real.configs.load import load_motor, load_robot
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.dynamixel.driver import DynamixelBus
from sim2real.hardware.dynamixel.frame import StatusError
from sim2real.hardware.dynamixel.register_text import register_text
from sim2real.hardware.dynamixel.tables import MODEL_NAMES, x_series_table
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.plant import InertiaPlant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.types import JointCommand, JointState

# ROBOTIS e-Manual, control tables: model number, factory values of Moving Threshold (24), Temperature Limit (31), Max
# and Min Voltage Limit (32, 34), Current Limit (38), Velocity Limit (44), PWM Slope (62), Shutdown (63), gains (76 on).
MANUAL = {
    "xl330_m077": (1190, 10, 70, 70, 35, 1750, 1620, 140, 53, (400, 40, 0, 400, 400)),
    "xl330_m288": (1200, 10, 70, 70, 35, 1750, 445, 140, 53, (1600, 180, 0, 0, 400)),
    "xc330_m181": (1230, 10, 70, 70, 35, 2352, 545, 140, 52, (1400, 100, 500, 0, 1200)),
    "xc330_m288": (1240, 10, 70, 70, 35, 2352, 350, 140, 52, (1600, 50, 500, 0, 1100)),
    "xc330_t181": (1210, 10, 70, 140, 55, 910, 510, 255, 52, (1200, 40, 0, 0, 900)),
    "xc330_t288": (1220, 10, 70, 140, 55, 910, 320, 255, 52, (1200, 40, 0, 0, 900)),
    "xl430_w250": (1060, 10, 72, 140, 60, None, 265, None, 52, (1000, 100, 4000, 0, 640)),
    "xc430_w150": (1070, 20, 80, 160, 60, None, 460, None, 52, (1920, 100, 0, 0, 460)),
    "xc430_w240": (1080, 10, 80, 160, 60, None, 306, None, 52, (1920, 100, 0, 0, 700)),
    "xm430_w210": (1030, 10, 80, 160, 95, 1193, 330, None, 52, (1920, 100, 0, 0, 800)),
    "xm430_w350": (1020, 10, 80, 160, 95, 1193, 200, None, 52, (1920, 100, 0, 0, 800)),
    "xm540_w270": (1120, 10, 80, 160, 95, 2047, 128, None, 52, (1920, 100, 0, 0, 800)),
}
# Datasheet figures at the recommended supply: stall torque and current, no-load speed, N*m/A at the output.
NOMINAL = {
    "xl330_m288": (0.52, 1.47, 103, 0.354),
    "xl330_m077": (0.215, 1.47, 383, 0.146),
    "xc330_m288": (0.93, 1.80, 81, 0.517),
    "xc330_t288": (0.92, 0.80, 65, 1.15),
    "xl430_w250": (1.4, 1.3, 57, 1.08),
    "xm430_w350": (4.1, 2.3, 46, 1.78),
    "xm430_w210": (3.0, 2.3, 77, 1.30),
}
WITHOUT_CURRENT = ("xl430_w250", "xc430_w150", "xc430_w240")
MODELS = sorted(MANUAL)


def robot(model, **updates):
    base = load_robot("pendulum")
    motor = load_motor(model)
    joint = base.joints["pivot"].model_copy(
        update={
            "motor": motor,
            "mode": "position",
            "zero": math.pi,
            "position_limits": (-1.0, 1.0),
            "effort_limit": motor.nominal.stall_torque,
            "stiffness": 0.0,  # factory gains
            **updates,
        }
    )
    volts = motor.nominal.voltage
    safety = base.safety.model_copy(update={"voltage_range": (volts - 0.5, volts + 0.5)})
    return base.model_copy(update={"joints": {"pivot": joint}, "supply_voltage": volts, "safety": safety})


class Driven:
    """One motor of a model with its driver, in lockstep."""

    def __init__(self, config, plant=InertiaPlant):
        self.clock = VirtualClock()
        self.emulated = EmulatedRobot(config, plant(config))
        self.motor = self.emulated.motors["pivot"]
        transport = lockstep_transports(self.emulated, self.clock)["main"]
        self.driver = DynamixelBus(config.buses["main"], config.joints, config.safety, transport, self.clock)
        self.driver.open()
        self.state, self.command = JointState.empty(1), JointCommand.zeros(1)

    def run(self, seconds):
        for _ in range(round(seconds / 0.01)):
            self.driver.read(self.state)
            self.driver.write(self.command)
            self.clock.sleep_until_ns(self.clock.now_ns() + 10_000_000)


def test_every_model_of_the_vendor_s_list_has_a_motor_type():
    assert {name.lower().replace("-", "_") for name in MODEL_NAMES.values()} == set(MANUAL)


@pytest.mark.parametrize("model", MODELS)
def test_tables_match_the_manual(model):
    table = x_series_table(load_motor(model))
    number, threshold, hot, high, low, current, velocity, slope, shutdown, gains = MANUAL[model]
    expected = {
        "model_number": number,
        "moving_threshold": threshold,
        "temperature_limit": hot,
        "max_voltage_limit": high,
        "min_voltage_limit": low,
        "velocity_limit": velocity,
        "shutdown": shutdown,
        "velocity_i_gain": gains[0],
        "velocity_p_gain": gains[1],
        "position_d_gain": gains[2],
        "position_i_gain": gains[3],
        "position_p_gain": gains[4],
    }
    assert {name: table[name].initial for name in expected} == expected
    for name, value in (("current_limit", current), ("pwm_slope", slope)):
        assert (table[name].initial if name in table else None) == value


@pytest.mark.parametrize("model", MODELS)
def test_registers_do_not_overlap_and_their_values_fit(model):
    covered: set[int] = set()
    for register in x_series_table(load_motor(model)):
        own = set(range(register.address, register.end))
        assert not covered & own, register.name
        covered |= own
        for value in (register.initial, register.minimum, register.maximum):
            assert register.decode(register.encode(value)) == value
        assert register.minimum <= register.initial <= register.maximum, register.name


@pytest.mark.parametrize("model", MODELS)
def test_current_and_load_exclude_each_other(model):
    table = x_series_table(load_motor(model))
    names = {"current_limit": 38, "goal_current": 102, "present_current": 126}
    if model in WITHOUT_CURRENT:
        assert not any(name in table for name in names)
        assert table.at(126) is table["present_load"]
        assert not table.overlapping(38, 2)
        assert not table.overlapping(102, 2)
    else:
        assert {name: table[name].address for name in names} == names
        assert "present_load" not in table


@pytest.mark.parametrize("model", MODELS)
def test_the_330_series_ends_at_4_mbaud_and_has_its_indirect_data_where_the_firmware_puts_them(model):
    motor = load_motor(model)
    small = "330" in model
    assert x_series_table(motor)["baud_rate"].maximum == (6 if small else 7)
    for firmware, address, count in ((52, 208, 20), (53, 224, 28)) if small else ((52, 224, 56), (53, 224, 56)):
        table = x_series_table(motor, firmware)
        assert table["indirect_data_1"].address == table["indirect_address_1"].initial == address
        assert sum("indirect_data" in register.name for register in table) == count


@pytest.mark.parametrize("model", sorted(NOMINAL))
def test_nominal_figures_match_the_datasheets(model):
    motor = load_motor(model)
    stall, current, rpm, constant = NOMINAL[model]
    assert (motor.nominal.stall_torque, motor.nominal.stall_current) == (stall, current)
    assert motor.nominal.no_load_speed == pytest.approx(rpm * math.tau / 60)
    assert motor.torque_constant == pytest.approx(constant, rel=0.01)


@pytest.mark.parametrize("model", MODELS)
def test_every_value_of_every_register_can_be_shown(model):
    motor = load_motor(model)
    for register in x_series_table(motor):
        for value in (register.minimum, register.initial, register.maximum):
            assert "nan" not in register_text(motor, register, value)


# Emulator and driver


@pytest.mark.parametrize("model", MODELS)
def test_the_driver_moves_every_model_to_its_goal(model):
    driven = Driven(robot(model))
    driven.driver.enable()
    driven.driver.read(driven.state)
    driven.command.position[:] = driven.state.position + 0.3
    driven.run(1.5)
    assert driven.state.position[0] == pytest.approx(driven.command.position[0], abs=0.05)
    assert driven.state.faults[0] == 0
    assert driven.state.fresh[0]
    driven.driver.disable()
    assert not driven.motor.torque_enabled


@pytest.mark.parametrize("model", MODELS)
def test_position_mode_keeps_the_effort_limit_with_a_blocked_shaft(model):
    stall = load_motor(model).nominal.stall_torque
    driven = Driven(robot(model, effort_limit=0.4 * stall), HeldPlant)
    driven.driver.enable()
    driven.driver.read(driven.state)
    driven.command.position[:] = driven.state.position + 0.9
    driven.run(0.5)
    torque = driven.motor.shaft.torque
    assert 0.3 * stall < torque <= 0.4 * stall * 1.001
    assert driven.state.effort[0] == pytest.approx(torque, abs=0.01 * stall)


@pytest.mark.parametrize("model", WITHOUT_CURRENT)
def test_current_mode_is_refused_without_a_current_sensor(model):
    with pytest.raises(HardwareError, match=f"{model} measures no current.*valid mode: position"):
        Driven(robot(model, mode="current"))
    with pytest.raises(ConfigError, match="measures no current"):
        load_robot("pendulum", (f"joints.pivot.motor={model}",))


@pytest.mark.parametrize("model", MODELS)
def test_the_emulator_accepts_the_operating_modes_of_the_model(model):
    motor = EmulatedRobot(robot(model), InertiaPlant(robot(model))).motors["pivot"]
    accepted = [mode for mode in range(17) if motor.write_register("operating_mode", mode) is None]
    assert accepted == ([1, 3, 4, 16] if model in WITHOUT_CURRENT else [0, 1, 3, 4, 5, 16])


def test_registers_of_a_newer_firmware_are_not_written():
    config = load_robot("pendulum", ("joints.pivot.motor.registers.firmware=40",))
    motor = EmulatedRobot(config, InertiaPlant(config)).motors["pivot"]
    assert motor.write_register("startup_configuration", 1) == StatusError.ACCESS
    assert motor.write_register("bus_watchdog", 5) is None


def test_a_bus_may_mix_models_with_and_without_current():
    base = robot("xl430_w250")
    pivot = base.joints["pivot"]
    other = pivot.model_copy(update={"motor": load_motor("xm430_w350"), "id": 2, "effort_limit": 1.0})
    config = base.model_copy(update={"joints": {"pivot": pivot, "other": other}})
    clock = VirtualClock()
    emulated = EmulatedRobot(config, HeldPlant(config))
    transport = lockstep_transports(emulated, clock)["main"]
    driver = DynamixelBus(config.buses["main"], config.joints, config.safety, transport, clock)
    driver.open()
    driver.enable()
    state, command = JointState.empty(2), JointCommand.zeros(2)
    driver.read(state)
    command.position[:] = state.position + 0.2
    for _ in range(20):
        driver.read(state)
        driver.write(command)
        clock.sleep_until_ns(clock.now_ns() + 10_000_000)
    torques = [motor.shaft.torque for motor in emulated.motors.values()]
    assert np.allclose(state.effort, torques, atol=0.02)
    assert min(torques) > 0.1
