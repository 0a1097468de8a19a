"""What motors do when the program that drives them is gone."""

from typing import Literal

DeathState = Literal["off", "damp", "hold"]
"""`off`: no torque. `damp`: motion is damped. `hold`: they hold their position. Which of them a motor can do depends on
its family and mode."""
