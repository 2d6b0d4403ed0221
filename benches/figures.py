"""Medians, percentiles, and how sure a ratio of medians is."""

import random
import statistics

RESAMPLES = 400


def percentile(samples, share):
    """A percentile, or None when there are too few samples for it."""
    if len(samples) * (1 - share) < 1:
        return None
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def ratio(numerator_blocks, denominator_blocks):
    """Ratio of medians over all blocks, with a 95 % bootstrap interval over the blocks."""

    def of(chosen):
        above = [sample for index in chosen for sample in numerator_blocks[index]]
        below = [sample for index in chosen for sample in denominator_blocks[index]]
        return statistics.median(above) / statistics.median(below)

    count = min(len(numerator_blocks), len(denominator_blocks))
    dice = random.Random(1)
    resampled = sorted(of([dice.randrange(count) for _ in range(count)]) for _ in range(RESAMPLES))
    return of(range(count)), resampled[int(RESAMPLES * 0.025)], resampled[int(RESAMPLES * 0.975)]
