"""Shared options of the `motors` commands."""

from typing import Annotated

import typer

Port = Annotated[str, typer.Option("--port", help="Serial port, for example /dev/ttyUSB0.", show_default=False)]
Id = Annotated[int, typer.Option("--id", help="Id of the motor.", min=0, show_default=False)]
Baudrate = Annotated[
    int | None,
    typer.Option(
        "--baudrate", help="Baud rate of the bus; by default every baud rate is tried.", min=1, show_default=False
    ),
]
ProtocolName = Annotated[
    str | None,
    typer.Option(
        "--protocol",
        help="Protocol of the motors, as in a robot YAML; by default every installed one is tried.",
        show_default=False,
    ),
]
