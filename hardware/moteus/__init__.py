"""moteus controllers behind an fdcanusb adapter: codecs, tables, driver and firmware model."""
