"""95% intervals: Wilson's for shares, a seeded bootstrap for means.

The unit is the row.  Seeds answer the same rows, so a row that several seeds answered counts once, with its mean: more seeds show their
spread, and do not make an interval narrower than the rows allow.
"""

import math
import random
from collections.abc import Sequence

__all__ = ["bootstrap", "wilson"]

_Z = 1.959963984540054
_SAMPLES = 2000


def wilson(successes: float, of: int) -> tuple[float, float]:
    """The interval of a share; ``successes`` can be a fraction where rows are means of several seeds."""
    if of == 0:
        return 0.0, 1.0
    share, z2 = successes / of, _Z * _Z
    middle = share + z2 / (2 * of)
    half = _Z * math.sqrt(max(share * (1 - share), 0.0) / of + z2 / (4 * of * of))
    whole = 1 + z2 / of
    low, high = (middle - half) / whole, (middle + half) / whole
    return max(0.0, min(share, low)), min(1.0, max(share, high))  # rounding must put neither outside


def bootstrap(values: Sequence[float], *, seed: int = 0) -> tuple[float, float]:
    """The interval of a mean of values between 0 and 1, the same for the same values and seed.

    Values that are all alike cannot show how they vary: then it is Wilson's, which holds for any such values.
    """
    if len(set(values)) < 2:
        return wilson(math.fsum(values), len(values))
    rng = random.Random(seed)
    means = sorted(math.fsum(rng.choices(values, k=len(values))) / len(values) for _ in range(_SAMPLES))
    return means[int(0.025 * _SAMPLES)], means[int(0.975 * _SAMPLES) - 1]
