"""The guardian: a process that stops motors without a watchdog when their driver dies or stalls."""
