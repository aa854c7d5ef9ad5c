"""The smallest move, within the box, that brings an image as near to one centre as to another; in three norms.

x' is nearer to b than to a exactly when g . (x' - x) > t, with g = b - a and t = (|x - b|^2 - |x - a|^2) / 2. A pixel
moves by at most its room: 1 - x_i where g_i > 0, x_i where g_i < 0. So the smallest |d|_p with g . d = t and x + d in
[0, 1] is a continuous knapsack, with w_i = |g_i|:

  Linf  sum w_i min(e, room_i) = t                                for e
  L2    sum w_i min(l w_i, room_i) = t, e = |min(l w, room)|_2    for the multiplier l
  L1    e = max over m of m t - sum room_i max(m w_i - 1, 0)      fill the largest w_i first; m is the dual

The first two are increasing and concave, so Newton's steps from below stay below; the third is a maximum. Whatever is
returned is therefore at most the smallest move but for rounding, wherever it is stopped. Without the box room is
infinite and the answer is t / |g|_q, 1/p + 1/q = 1, where all three begin.
Cost: 2 to 30 passes over the pixels.
"""

import numpy as np
from numba import njit

STEPS = 60  # Newton's steps or bisections at most; a dozen is usual


@njit(cache=True, fastmath={"reassoc", "nsz", "contract"})
def least(x, a, b, t, kind, lowest, enough):
    """Length of the smallest move, or a bound below it.

    x, a, b  (d,) float64, x in [0, 1]
    t        > 0, see above
    kind     0, 1, 2 for Linf, L2, L1
    lowest   of no interest when not longer than this: such answers may be anything from 0 to `lowest`
    enough   and the search may stop as soon as it is known to be as long as this
    returns  a length; infinite when no point of the box is nearer to b
    """
    total = 0.0
    for i in range(len(x)):
        g = b[i] - a[i]
        total += g * (1 - x[i]) if g > 0 else -g * x[i]
    if total < t:
        return np.inf
    if kind == 0:
        return _linf(x, a, b, t, lowest, enough)
    if kind == 1:
        return _l2(x, a, b, t, enough)
    return _l1(x, a, b, t, enough)


@njit(cache=True, fastmath={"reassoc", "nsz", "contract"})
def _linf(x, a, b, t, lowest, enough):
    e = lowest
    for _ in range(STEPS):
        reached, slope = 0.0, 0.0
        for i in range(len(x)):
            g = b[i] - a[i]
            w, room = (g, 1 - x[i]) if g > 0 else (-g, x[i])
            if room > e:
                slope += w
                reached += w * e
            else:
                reached += w * room
        if reached >= t or slope == 0:
            return e
        e += (t - reached) / slope
        if e >= enough or (t - reached) <= 1e-13 * t:
            return e
    return e


@njit(cache=True, fastmath={"reassoc", "nsz", "contract"})
def _l2(x, a, b, t, enough):
    rate, length = 0.0, 0.0
    for _ in range(STEPS):
        reached, slope, squared = 0.0, 0.0, 0.0
        for i in range(len(x)):
            g = b[i] - a[i]
            w, room = (g, 1 - x[i]) if g > 0 else (-g, x[i])
            d = rate * w
            if room > d:
                slope += w * w
            else:
                d = room
            reached += w * d
            squared += d * d
        length = np.sqrt(squared)
        if reached >= t * (1 - 1e-13) or slope == 0 or length >= enough:
            return length
        rate += (t - reached) / slope
    return length


@njit(cache=True, fastmath={"reassoc", "nsz", "contract"})
def _l1(x, a, b, t, enough):
    high = 0.0
    for i in range(len(x)):
        high = max(high, abs(b[i] - a[i]))
    low, best, cut = 0.0, 0.0, high
    for _ in range(STEPS):
        over, slope = 0.0, t
        for i in range(len(x)):
            g = b[i] - a[i]
            w, room = (g, 1 - x[i]) if g > 0 else (-g, x[i])
            if w > cut:
                over += room * (w / cut - 1)
                slope -= room * w
        best = max(best, t / cut - over)
        if best >= enough or high - low <= 1e-13 * high:
            return best
        if slope > 0:
            high = cut
        else:
            low = cut
        cut = (low + high) / 2
    return best
