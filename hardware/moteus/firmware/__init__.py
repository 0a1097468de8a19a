"""Firmware model of moteus controllers and their fdcanusb adapter."""
