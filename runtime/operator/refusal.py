"""`RefusedError`: a request of an operator's device that cannot be granted."""


class RefusedError(ValueError):
    """A request that is not valid; the text says what would be."""
