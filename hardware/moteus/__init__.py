"""moteus controllers behind an adapter that speaks fdcanusb lines: codecs, tables, driver, emulated firmware."""
