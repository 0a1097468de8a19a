"""The emulated moteus controller and its fdcanusb adapter."""
