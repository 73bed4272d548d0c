"""The one error of the benchmarks."""


class Impossible(Exception):
    """A measurement cannot be made, or would not mean what it says. Never swallowed: a missing figure must be seen."""
