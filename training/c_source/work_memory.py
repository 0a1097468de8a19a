"""Places in one array for the values between two nodes; a value's place is free again after its last reader."""

from sim2real.training.c_source.graph import Graph

ALIASES = frozenset({"Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Dropout"})
"""Operators whose first output is their first input with another shape, or none."""


class WorkMemory:
    """Gives out places, first fit.

    Args:
        graph: Its values are known by name; aliases share a place.
    """

    def __init__(self, graph: Graph) -> None:
        self.size = 0
        """Floats that are needed at most at once."""
        self._root: dict[str, str] = {}
        for node in graph.nodes:
            if node.operator in ALIASES:
                self._root[node.outputs[0]] = self.root(node.inputs[0])
        self._last = {
            self.root(name): number for number, node in enumerate(graph.nodes) for name in node.inputs if name
        }
        self._last |= {self.root(name): len(graph.nodes) for name in graph.outputs}
        self._live: dict[str, tuple[int, int]] = {}

    def root(self, name: str) -> str:
        """Return the value whose place a value has."""
        return self._root.get(name, name)

    def offset(self, name: str) -> int | None:
        """Return where a value is; None if it has no place here, as inputs and constants."""
        place = self._live.get(self.root(name))
        return None if place is None else place[0]

    def take(self, name: str, size: int) -> int:
        """Return a place for a new value."""
        start = 0
        for taken, length in sorted(self._live.values()):
            if start + size <= taken:
                break
            start = max(start, taken + length)
        self._live[name] = (start, size)
        self.size = max(self.size, start + size)
        return start

    def take_over(self, name: str, size: int, number: int, inputs: tuple[str, ...]) -> int:
        """Return the place of an input that is read for the last time in this node; a new one if there is none.

        For nodes that read only element i of every input to write element i.
        """
        for source in map(self.root, inputs):
            if source in self._live and self._last[source] == number and self._live[source][1] == size:
                self._live[name] = self._live.pop(source)
                return self._live[name][0]
        return self.take(name, size)

    def release(self, number: int) -> None:
        """Free the places of all values that no node after this one reads."""
        for name in [name for name in self._live if self._last.get(name, -1) <= number]:
            del self._live[name]
