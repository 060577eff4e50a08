"""Writes expected.json beside this file: statistics of small samples as NumPy and SciPy see them.

Run it with numpy and scipy installed: python tests/stats/make_expected.py
"""

import json
import math
import pathlib
from fractions import Fraction

import numpy as np
from scipy import stats

FRACTIONS = ["0", "0.01", "0.05", "0.07", "0.1", "0.25", "0.29", "0.333", "0.5", "0.75", "0.9", "0.95", "0.99", "0.999", "1"]
rng = np.random.default_rng(20261120)
samples = {
    "one": [42.5],
    "one_negative": [-0.1],
    "two": [1.0, 2.0],
    "three": [3.0, -1.0, 2.0],
    "ties": [1.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 3.0, 3.0, 9.0],
    "all_equal": [0.1] * 7,
    "negatives": [-5.5, -1.25, -300.0, -2.0, -2.0, -7.125],
    "huge": [1e300, 2e300, 3.5e300, -1e300, 9e299, 1.1e300],
    "tiny": [5e-324, 1e-310, 3e-308, 2.2e-308, 4e-309],
    "huge_and_tiny": [1e300, 1e-300, -1e-300, 1.0, -1e300, 3.0, 2.0],
    "hundred": [float(i) for i in range(1, 101)],
    "latencies": np.round(rng.lognormal(3, 1, 250), 3).tolist(),
    "normal": rng.normal(-3, 10, 1001).tolist(),
    "few_values": rng.integers(-3, 4, 333).astype(float).tolist(),
}


def nearest_rank(values, fraction):
    rank = max(math.ceil(Fraction(fraction) * len(values)), 1)
    return sorted(values)[rank - 1]


def trimmed_mean(values, cut):
    """SciPy's, but for the sum, which is exact: SciPy's own loses 1e-300 beside 1e300."""
    n, k = len(values), int(cut * len(values))
    exact = math.fsum(sorted(values)[k : n - k]) / (n - 2 * k)
    assert max(map(abs, values)) > 1e100 or math.isclose(exact, stats.trim_mean(values, cut), rel_tol=1e-12)
    return exact


def case(values):
    x = np.array(values)
    counts, edges = np.histogram(x, bins=8) if x.min() < x.max() and x.max() > 1e-300 else (np.array([]), np.array([]))
    return {
        "values": values,
        "quantiles": np.quantile(x, [float(f) for f in FRACTIONS]).tolist(),
        "nearest": [nearest_rank(values, f) for f in FRACTIONS],
        "median": float(np.median(x)),
        "mad": float(stats.median_abs_deviation(x)),
        "iqr": float(stats.iqr(x)),
        "trimmed_mean": {cut: trimmed_mean(values, float(cut)) for cut in ["0", "0.1", "0.25"]},
        "histogram_counts": counts.tolist(),
        "histogram_edges": edges.tolist(),
    }


out = {"fractions": [float(f) for f in FRACTIONS], "samples": {name: case(v) for name, v in samples.items()}}
path = pathlib.Path(__file__).with_name("expected.json")
path.write_text(json.dumps(out, indent=None, separators=(",", ":")).replace('},"', '},\n"') + "\n")
