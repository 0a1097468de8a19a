"""A process that stops motors without a watchdog when their driver cannot."""
