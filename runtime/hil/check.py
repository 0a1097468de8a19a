"""Decides whether a recording meets the checks of a scenario; says when, by which joint and by how much it does not."""

from dataclasses import dataclass

import numpy as np

from sim2real.configs.schema.condition import Condition, parse_condition
from sim2real.configs.schema.expectation import CheckConfig
from sim2real.configs.schema.run_signal import RunSignal
from sim2real.configs.units import parse_quantity
from sim2real.hardware.types import BoolArray
from sim2real.runtime.hil.recording import Recording
from sim2real.runtime.hil.steps import Steps


@dataclass(frozen=True)
class CheckResult:
    """What came of one check."""

    text: str
    """The check in words."""
    failure: str
    """Why it is not met; empty if it is."""
    condition: Condition
    begin: float
    """Start of the window, s since power-up; NaN if its zero never came."""
    end: float
    """End of the window, likewise."""
    failed_at: float | None
    """When it was first not met, s since power-up; None if it is met, or at no certain time."""

    @property
    def ok(self) -> bool:
        """Whether the check is met."""
        return not self.failure


def check(config: CheckConfig, signals: dict[str, RunSignal], recording: Recording) -> CheckResult:
    """Return whether a recording meets a check.

    Args:
        config: The check.
        signals: The signals of the task, see `signals_of`.
        recording: The run.
    """
    return _Check(config, signals, recording).result()


class _Check:
    def __init__(self, config: CheckConfig, signals: dict[str, RunSignal], recording: Recording) -> None:
        self._config = config
        self._signals = signals
        self._recording = recording
        self._condition = parse_condition(config.condition, signals)
        self._steps, self._met = self._of(self._condition)
        zero = recording.zero(config.since)
        self._zero = np.nan if zero is None else zero
        self._begin = self._zero + config.start
        self._asked_end = recording.end
        if config.within is not None:
            self._asked_end = self._begin + config.within
        elif config.end is not None:
            self._asked_end = self._zero + config.end
        self._end = min(self._asked_end, recording.end)

    def result(self) -> CheckResult:
        """Return the result."""
        failure, at = self._unmet()
        why = f" ({self._config.why})" if failure and self._config.why else ""
        text = self._config.text
        whole = f"{text}: {failure}{why}" if failure else ""
        return CheckResult(text, whole, self._condition, self._begin, self._end, at)

    def _of(self, condition: Condition) -> tuple[Steps, BoolArray]:
        """Return the signal of a condition and where it is met by every joint or IMU, (N,)."""
        steps = self._recording.steps(condition.signal)
        return steps, np.asarray(steps.met(condition, self._signals[condition.signal].words).all(axis=1))

    def _unmet(self) -> tuple[str, float | None]:
        """Return why the check is not met, and when; an empty text if it is."""
        config, recording = self._config, self._recording
        if np.isnan(self._zero):
            never = {"policy": "the policy never ran", "torque": "torque was never on", "fault": "no fault happened"}
            return never[config.since], None
        if not self._begin <= recording.end:
            return f"the run ended at {self._shown(recording.end)}, before that", recording.end
        if unknown := self._never_measured():
            return f"{unknown} was never measured", None
        if config.eventually is not None:
            return self._eventually()
        end, late = self._until()
        if late:
            return late, self._end
        window = self._steps.window(self._begin, end)
        bad = ~self._met[window] if config.always is not None else self._violating(window)
        if bad.any():
            index = window.start + int(np.argmax(bad))
            return self._story(index), max(self._begin, float(self._steps.time[index]))
        # What the rest of the window would have brought is not known.
        if config.until is None and not self._asked_end <= recording.end + 1.5 * recording.period:
            return f"the run ended at {self._shown(recording.end)}, before the end of that time", recording.end
        return "", None

    def _never_measured(self) -> str:
        """Return which joint or IMU the signal has no value of in the window; an empty text if it has of all."""
        window = self._steps.window(self._begin, self._end)
        known = np.asarray(np.isfinite(self._steps.values[window]).any(axis=0))
        name = self._condition.signal
        if known.all() or not known.any() or len(known) == 1:
            return "" if known.any() else name
        return f"{self._steps.parts[int(np.argmin(known))]}.{name}"

    def _violating(self, window: slice) -> BoolArray:
        """Return where a condition of `never` is met by any part, (n,)."""
        words = self._signals[self._condition.signal].words
        return np.asarray(self._steps.met(self._condition, words)[window].any(axis=1))

    def _until(self) -> tuple[float, str]:
        """Return the end of the window, and why the condition of `until` did not come true."""
        if self._config.until is None:
            return self._end, ""
        condition = parse_condition(self._config.until, self._signals)
        steps, met = self._of(condition)
        window = steps.window(self._begin, self._end)
        if not met[window].any():
            return self._end, f"{condition.text} did not come true by {self._shown(self._end)}"
        at = float(steps.time[window.start + int(np.argmax(met[window]))])
        return float(np.nextafter(max(at, self._begin), -np.inf)), ""

    def _eventually(self) -> tuple[str, float | None]:
        window = self._steps.window(self._begin, self._end)
        met, time = self._met[window], self._steps.time[window]
        if self._config.holds is None:
            if met.any():
                return "", None
            return f"it never was; {self._nearest(window)}", self._end
        longest, since = 0.0, None
        for index, good in enumerate(met):
            at = max(self._begin, float(time[index]))
            if not good:
                since = None
                continue
            since = at if since is None else since
            following = float(time[index + 1]) if index + 1 < len(time) else self._recording.end
            longest = max(longest, following - since)
        # Half a period: the last tick of a time that is a whole number of them.
        if longest >= self._config.holds - 0.5 * self._recording.period:
            return "", None
        return f"at most for {longest:.3g} s at a time; {self._nearest(window)}", self._end

    def _story(self, index: int) -> str:
        at = max(self._begin, float(self._steps.time[index]))
        return f"{self._value(index)} at {self._shown(at)}"

    def _nearest(self, window: slice) -> str:
        """Return what the signal was at the end of the window."""
        return f"{self._value(max(window.start, window.stop - 1))} at {self._shown(self._end)}"

    def _value(self, index: int) -> str:
        """Return the value of the joint or IMU that meets a condition least, with its name."""
        signal, condition, steps = self._signals[self._condition.signal], self._condition, self._steps
        values = steps.values[index]
        met = steps.met(condition, signal.words)[index]
        wanted = met if self._config.never is not None else ~met
        part = int(np.argmax(wanted)) if wanted.any() else 0
        name = f"{steps.parts[part]}.{signal.name}" if steps.parts[part] else condition.signal
        if signal.words:
            return f"{name} is {signal.words[int(values[part])]}"
        return f"{name} is {_in_unit(float(values[part]), condition.text, signal.unit)}"

    def _shown(self, time: float) -> str:
        """Return a time since power-up as one since the zero of the check."""
        zero = {"policy": "of the policy", "torque": "after torque on", "fault": "after the fault"}
        return f"{time - self._zero:.3f} s {zero[self._config.since]}"


def _in_unit(value: float, text: str, unit: str) -> str:
    """Return a value in the unit that the condition is written in."""
    written = text.rsplit(maxsplit=1)[-1]
    try:
        return f"{value / parse_quantity(f'1 {written}', unit):.4g} {written}" if unit else f"{value:.4g}"
    except ValueError:  # no space before the unit: in SI units then
        return f"{value:.4g} {unit}"
