#!/usr/bin/env python3
"""Writes crates/numerics/tests/golden/student_t.json: Student's t with 50 digits, by mpmath.

    python scripts/golden_student_t.py

With `--scipy` it prints how far SciPy is from these values instead.
"""

import json
import pathlib
import sys

import mpmath
import scipy.stats

OUT = pathlib.Path(__file__).resolve().parent.parent / "crates/numerics/tests/golden/student_t.json"
DEGREES = [0.5, 1, 2, 3, 4.7, 10, 30, 75, 150, 200]
PROBABILITIES = [1e-12, 1e-8, 1e-4, 0.005, 0.025, 0.1, 0.4, 0.499, 0.6, 0.9, 0.975, 0.995, 1 - 1e-6]

mpmath.mp.dps = 50


def cdf(t, degrees):
    square, degrees = t * t, mpmath.mpf(degrees)
    tail = mpmath.betainc(degrees / 2, 0.5, 0, degrees / (degrees + square), regularized=True) / 2
    return tail if t < 0 else 1 - tail


def density(t, degrees):
    half = (mpmath.mpf(degrees) + 1) / 2
    constant = mpmath.gamma(half) / mpmath.sqrt(degrees * mpmath.pi) / mpmath.gamma(mpmath.mpf(degrees) / 2)
    return constant * (1 + t * t / degrees) ** -half


cases = []
for degrees in DEGREES:
    for probability in PROBABILITIES:
        t = float(scipy.stats.t.ppf(probability, degrees))
        quantile = mpmath.mpf(t)
        for _ in range(8):
            quantile -= (cdf(quantile, degrees) - mpmath.mpf(probability)) / density(quantile, degrees)
        case = {"degrees": degrees, "t": t, "cdf": cdf(mpmath.mpf(t), degrees)}
        cases.append(case | {"probability": probability, "quantile": quantile})

if "--scipy" in sys.argv[1:]:
    for case in cases:
        got = scipy.stats.t.cdf(case["t"], case["degrees"]), scipy.stats.t.ppf(case["probability"], case["degrees"])
        errors = [float(abs(g / case[key] - 1)) for g, key in zip(got, ("cdf", "quantile"))]
        print(case["degrees"], case["probability"], *(f"{error:.1e}" for error in errors))
else:
    OUT.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({key: float(value) for key, value in case.items()}) for case in cases]
    OUT.write_text("[\n" + ",\n".join(lines) + "\n]\n")
