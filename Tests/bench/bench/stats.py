"""Order statistics and the bootstrap, in plain Python."""
import random


def quantile(values, fraction):
    """The value below which `fraction` of the samples lie, interpolated between neighbours."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no samples")
    position = fraction * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def median(values):
    return quantile(values, 0.5)


def spread(values):
    """What a table row says of its samples."""
    return {name: quantile(values, fraction) for name, fraction in
            (("p10", 0.1), ("median", 0.5), ("p90", 0.9), ("p99", 0.99))}


def paired_difference(first, second, resamples=10_000, seed=1):
    """Median of `first` minus median of `second`, with a 95 % bootstrap interval.

    Whole rounds are drawn, so that what made one round slow makes both of its samples slow.
    """
    if len(first) != len(second):
        raise ValueError("the samples are not paired")
    rounds = list(zip(first, second))
    generator = random.Random(seed)
    differences = []
    for _ in range(resamples):
        drawn = generator.choices(rounds, k=len(rounds))
        differences.append(_middle([pair[0] for pair in drawn]) - _middle([pair[1] for pair in drawn]))
    return median(first) - median(second), quantile(differences, 0.025), quantile(differences, 0.975)


def _middle(values):
    # `quantile` without its generality: this runs 20,000 times.
    values.sort()
    half = len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2
