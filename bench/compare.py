# SPDX-License-Identifier: MIT
"""When two figures differ: ratios round by round, their intervals, ties, and regressions."""

import math
import random
import statistics

from workloads import MORE_IS_BETTER, OURS

MOST_RATIO = 1000 # dropping something takes no time: nothing to compare with
RESAMPLES = 2000
COVERAGE = 0.95
# What a program's layout in memory alone can make of its time: guess, from what two builds of the
# same sources differ by.
LEAST_NOISE = 0.02
FEW_ROUNDS = 3 # fewer tell no noise


def median_of(runs, figure):
    """The median of a figure over runs; None: none has it."""
    values = values_of(runs, figure)
    return statistics.median(values) if values else None


def values_of(runs, figure):
    return [run[figure] for run in runs if run and figure in run]


def bootstrap(lists, reckon):
    """The interval in which reckon(lists) lies, were the rounds others of the same sort."""
    dice = random.Random(1)
    results = sorted(reckon([dice.choices(values, k=len(values)) for values in lists])
                     for _ in range(RESAMPLES))
    outside = int(RESAMPLES * (1 - COVERAGE) / 2)
    return results[outside], results[-1 - outside]


def noise_of(values):
    """By which part two runs of the same program, one round after the other, differ: the median."""
    steps = [abs(math.log(b / a)) for a, b in zip(values, values[1:]) if a > 0 and b > 0]
    return math.expm1(statistics.median(steps)) if steps else 0.0


def ratio(mine, theirs, figure):
    """The figure of one over another's, round by round; None: there is nothing to compare.

    A tie: the interval of the ratio holds 1, or the ratio is nearer to 1 than equal runs are to
    each other."""
    pairs = [(a[figure], b[figure]) for a, b in zip(mine, theirs)
             if a and b and a.get(figure, 0) > 0
             and a[figure] < MOST_RATIO * b.get(figure, 0)]
    if not pairs:
        return None
    ratios = [a / b for a, b in pairs]
    low, high = bootstrap([ratios], lambda lists: statistics.median(lists[0]))
    noise = max(LEAST_NOISE, noise_of([a for a, _ in pairs]), noise_of([b for _, b in pairs]))
    middle = statistics.median(ratios)
    return {"min": min(ratios), "median": middle, "max": max(ratios), "low": low, "high": high,
            "noise": noise,
            "tie": len(ratios) >= FEW_ROUNDS
            and (low <= 1 <= high or abs(math.log(middle)) <= math.log1p(noise))}


def ratios(workload, runs):
    """The figures of Gait, or of another base, over each peer's."""
    result = {}
    for peer in runs:
        if peer == workload.base or workload.base not in runs:
            continue
        result[peer] = {}
        for figure in workload.compared:
            told = ratio(runs[workload.base], runs[peer], figure)
            if told:
                result[peer][figure] = told
    return result


def change(mine, others, figure):
    """What became of a figure: (change, low, high, noise). mine: (now, then); others: the same of
    peers that didn't change, which tell how fast the machine was."""
    lists = list(mine) + [values for pair in others for values in pair]

    def reckon(sample):
        medians = [statistics.median(values) for values in sample]
        logs = [math.log(now / then) for now, then in zip(medians[::2], medians[1::2])]
        drift = statistics.mean(logs[1:]) if len(logs) > 1 else 0.0
        return math.exp(logs[0] - drift)

    middle = reckon(lists)
    low, high = bootstrap(lists, reckon)
    noise = max([LEAST_NOISE] + [noise_of(values) for values in lists])
    if figure in MORE_IS_BETTER:
        return 1 / middle, 1 / high, 1 / low, noise
    return middle, low, high, noise


def regressions(table, now, then):
    """What is worse than it was beyond the noise: (workload, peer, figure, change, low, high)."""
    worse = []
    for workload in table:
        a, b = now.get(workload.name), then.get(workload.name)
        if not a or not b or a["arguments"] != b["arguments"]:
            continue
        for figure in workload.compared:
            def both(peer, figure=figure, a=a, b=b):
                pair = [values_of(result["runs"].get(peer, []), figure) for result in (a, b)]
                return pair if all(len(values) >= FEW_ROUNDS and min(values) > 0
                                   for values in pair) else None
            others = [both(peer) for peer in a["runs"] if peer not in OURS]
            for peer in a["runs"]:
                mine = both(peer) if peer in OURS else None
                if not mine:
                    continue
                middle, low, high, noise = change(mine, [pair for pair in others if pair], figure)
                if low > 1 and middle > 1 + noise:
                    worse.append((workload.name, peer, figure, middle, low, high))
    return worse
