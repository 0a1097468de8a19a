"""The supervisor: a process that stops the motors when the process that drives them dies or stalls."""
