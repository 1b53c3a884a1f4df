# SPDX-License-Identifier: MIT
"""Space for time: what another build takes at the same peak RSS; where more GOGC takes less; and who
takes less of both than a curve."""

import math


FALL = 0.1 # of the peak RSS: equal runs differ by as much


def falls(points):
    """(GOGC, RSS, greater GOGC, RSS) of neighbours whose peak RSS falls: a smaller GOGC must not
    take more memory."""
    told = [(gogc, figures["rss_mib"]) for gogc, figures in points if "rss_mib" in figures]
    return [low + high for low, high in zip(told, told[1:]) if high[1] < low[1] * (1 - FALL)]


def least_front(points, figure):
    """(RSS, figure) of those points that no other beats in both, RSS rising."""
    front = []
    for rss, value in sorted((figures["rss_mib"], figures[figure]) for figures in points
                             if "rss_mib" in figures and figure in figures):
        if not front or value < front[-1][1]:
            front.append((rss, value))
    return front


def at_rss(front, rss):
    """What the front has at this RSS: between two points, in proportion to logarithms; past its
    last, what that has, since more memory would not have made it slower. None: so little memory
    it never had."""
    for (low, slow), (high, fast) in zip(front, front[1:]):
        if low <= rss <= high:
            part = math.log(rss / low) / math.log(high / low)
            return math.exp(math.log(slow) + part * math.log(fast / slow))
    return front[-1][1] if front and rss >= front[-1][0] else None


def below(points, front, figure):
    """Those points, (name, figures), that lie below and left of a front: they have less of the
    figure than it has with as much memory, or with the least that it can have."""
    told = []
    for name, figures in points:
        if "rss_mib" in figures and figure in figures and front:
            at = at_rss(front, figures["rss_mib"]) or front[0][1]
            if figures[figure] < at:
                told.append((name, figures[figure] / at))
    return told
