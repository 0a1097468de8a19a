"""Tables of a study: means and standard deviations over seeds, by strategy and world."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from sim2real.training.transfer.performance import WorldPerformance

TaskResults = Mapping[str, Mapping[int, Mapping[str, WorldPerformance]]]
"""Results of one task by strategy, seed and world."""

HELD_OUT: Final = "held-out mean"
_FIXED: Final = "fixed_"


@dataclass(frozen=True)
class Figure:
    """A figure over the seeds of one strategy."""

    mean: float
    std: float
    """Standard deviation over seeds, with n - 1; NaN for one seed."""
    seeds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Figure":
        """Return mean and standard deviation of one value per seed, without NaN."""
        measured = np.array([value for value in values if not math.isnan(value)])
        nan = float("nan")
        if not len(measured):
            return cls(nan, nan, 0)
        std = float(measured.std(ddof=1)) if len(measured) > 1 else nan
        return cls(float(measured.mean()), std, len(measured))

    def document(self) -> dict[str, Any]:
        """Return plain data; NaN becomes null."""
        return {name: None if math.isnan(value) else value for name, value in asdict(self).items()}

    def __str__(self) -> str:
        """Return the figure as shown in a table."""
        if not self.seeds:
            return "-"
        return f"{self.mean:.3f}" + ("" if math.isnan(self.std) else f" ±{self.std:.3f}")


@dataclass(frozen=True)
class Table:
    """One measure of one task: figures by strategy and world; the last world is the mean over held-out worlds."""

    measure: str
    strategies: tuple[str, ...]
    worlds: tuple[str, ...]
    figures: dict[str, dict[str, Figure]]
    held_out_of_seed: dict[str, dict[int, float]]
    """Mean over held-out worlds by strategy and seed."""

    def document(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            strategy: {world: figure.document() for world, figure in row.items()}
            for strategy, row in self.figures.items()
        }

    def text(self) -> list[str]:
        """Return the lines of the table, with the best mean of each row in bold."""
        width = max(len(world) for world in self.worlds)
        lines = [f"{self.measure:<{width}}" + "".join(f"  {name:>13}" for name in self.strategies)]
        for world in self.worlds:
            cells = {name: self.figures[name][world] for name in self.strategies}
            best = max((cell.mean for cell in cells.values() if cell.seeds), default=float("nan"))
            shown = [f"[bold]{cell!s:>13}[/bold]" if cell.mean == best else f"{cell!s:>13}" for cell in cells.values()]
            lines.append(f"{world:<{width}}  " + "  ".join(shown))
        return lines


def table_of(results: TaskResults, worlds: Sequence[str], held_out: Sequence[str], measure: str) -> Table:
    """Return the table of a measure.

    The held-out mean of a seed weights all held-out worlds equally; it is NaN if a world is NaN.

    Args:
        results: Results of one task.
        worlds: Names of the rows.
        held_out: Those included in the held-out mean.
        measure: `performance`, `survival`, `success`, or the name of a metric.
    """
    figures: dict[str, dict[str, Figure]] = {}
    means: dict[str, dict[int, float]] = {}
    for strategy, by_seed in results.items():
        values = {seed: {world: _value(result[world], measure) for world in worlds} for seed, result in by_seed.items()}
        means[strategy] = {
            seed: float(np.mean([row[world] for world in held_out])) if held_out else float("nan")
            for seed, row in values.items()
        }
        figures[strategy] = {world: Figure.of([row[world] for row in values.values()]) for world in worlds}
        figures[strategy][HELD_OUT] = Figure.of(list(means[strategy].values()))
    return Table(measure, tuple(results), (*worlds, HELD_OUT), figures, means)


@dataclass(frozen=True)
class Comparison:
    """Comparison of a strategy's held-out mean with that of the best fixed level."""

    strategy: str
    best_fixed: str
    ratio: float
    difference: Figure
    """Difference seed by seed, over common seeds."""

    @property
    def text(self) -> str:
        """The comparison as a sentence."""
        word = "at least" if self.difference.mean >= 0.0 else "below"
        return (
            f"{self.strategy} is {word} every fixed level on the held-out mean: {self.difference.mean:+.3f}"
            f" against {self.best_fixed}, the best"
            + ("" if math.isnan(self.difference.std) else f" (±{self.difference.std:.3f} over seeds)")
        )


def compare(table: Table, strategy: str) -> Comparison | None:
    """Compare a strategy with the fixed level of the highest held-out mean; None if either is missing."""
    ranked = {
        name: table.figures[name][HELD_OUT].mean
        for name in table.strategies
        if name.startswith(_FIXED) and table.figures[name][HELD_OUT].seeds
    }
    if not ranked or strategy not in table.figures or not table.figures[strategy][HELD_OUT].seeds:
        return None
    best = max(ranked, key=lambda name: ranked[name])
    own, theirs = table.held_out_of_seed[strategy], table.held_out_of_seed[best]
    difference = Figure.of([own[seed] - theirs[seed] for seed in own if seed in theirs])
    if not difference.seeds:
        return None
    ratio = table.figures[strategy][HELD_OUT].mean / ranked[best] if ranked[best] > 0.0 else float("nan")
    return Comparison(strategy, best, ratio, difference)


def _value(performance: WorldPerformance, measure: str) -> float:
    if measure in performance.metrics:
        return performance.metrics[measure]
    value: float = getattr(performance, measure)
    return value
