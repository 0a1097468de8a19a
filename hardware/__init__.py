"""Motors over serial: codecs, transports, drivers with one joint-level interface, and the byte-true emulator."""
