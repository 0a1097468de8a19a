"""The hardware commands, one module each; the root command finds them by entry point."""

from sim2real.configs.command_info import CommandInfo

_HERE = "sim2real.hardware.commands"

EMULATE = CommandInfo("Serve an emulated robot on pseudo-terminals.", f"{_HERE}.emulate:app")
HAND = CommandInfo("Move, hold and unplug the joints of an emulated robot.", f"{_HERE}.hand:app")
IMU = CommandInfo("Find a serial IMU on a port, and set its baud rate.", f"{_HERE}.imu:app")
MOTORS = CommandInfo("Find, inspect, set up and calibrate motors on a bus.", f"{_HERE}.motors:app")
