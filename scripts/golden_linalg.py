#!/usr/bin/env python3
"""Writes crates/numerics/tests/golden/linalg.json: eigenvalues, singular values and Cholesky factors with 60 digits, by
mpmath, of well and badly conditioned matrices whose entries are doubles.

    python scripts/golden_linalg.py

Beside each it prints the condition number and how far NumPy is from them, relative to the largest value.
"""

import json
import pathlib

import mpmath
import numpy as np

OUT = pathlib.Path(__file__).resolve().parent.parent / "crates/numerics/tests/golden/linalg.json"
SIZE = 10

mpmath.mp.dps = 60
random = np.random.default_rng(0)


def orthogonal(size):
    return np.linalg.qr(random.normal(size=(size, size)))[0]


def with_eigenvalues(values):
    turn = orthogonal(len(values))
    product = turn * values @ turn.T
    return (product + product.T) / 2


factor = random.normal(size=(SIZE, 14))
symmetric = {
    "gram": factor @ factor.T,
    "indefinite": with_eigenvalues(np.linspace(-3, 2, SIZE)),
    "hilbert": np.array([[1 / (i + j + 1) for j in range(SIZE)] for i in range(SIZE)]),
    "graded": with_eigenvalues(10.0 ** -np.arange(SIZE)),
    "repeated": with_eigenvalues(np.array([5.0, 2, 2, 2, 2, 2, 1, 1, 1e-9, 1e-9])),
}
rectangular = {
    "tall": random.normal(size=(13, 5)),
    "wide": random.normal(size=(4, 11)),
    "graded": orthogonal(12)[:, :7] * 10.0 ** -np.arange(0, 14, 2) @ orthogonal(7),
    "hilbert": symmetric["hilbert"],
}


def exact(matrix):
    return mpmath.matrix(matrix.tolist())


def floats(values):
    return [float(value) for value in values]


def show(kind, name, got, expected):
    largest = max(abs(value) for value in expected)
    error = max(float(abs(mpmath.mpf(float(g)) - e) / largest) for g, e in zip(got, expected))
    print(f"{kind:16} {name:11} NumPy is off by {error:.1e}")


cases = {"symmetric": [], "rectangular": []}
for name, matrix in symmetric.items():
    values, vectors = mpmath.eigsy(exact(matrix))
    order = sorted(range(SIZE), key=lambda k: -values[k])
    values = [values[k] for k in order]
    show("eigenvalues", name, np.linalg.eigvalsh(matrix)[::-1], values)
    case = {"name": name, "size": SIZE, "matrix": floats(matrix.ravel()), "eigenvalues": floats(values)}
    if name in ("gram", "indefinite"):
        case["eigenvectors"] = floats(vectors[row, k] for k in order for row in range(SIZE))
    if values[-1] > 0:
        lower = mpmath.cholesky(exact(matrix))
        entries = [lower[row, column] for row in range(SIZE) for column in range(SIZE)]
        show("Cholesky", name, np.linalg.cholesky(matrix).ravel(), entries)
        case["cholesky"] = floats(entries)
        case["condition"] = float(values[0] / values[-1])
    cases["symmetric"].append(case)
for name, matrix in rectangular.items():
    values = sorted(mpmath.svd_r(exact(matrix), compute_uv=False), reverse=True)
    show("singular values", name, np.linalg.svd(matrix, compute_uv=False), values)
    rows, columns = matrix.shape
    entries = {"name": name, "rows": rows, "columns": columns, "matrix": floats(matrix.ravel())}
    cases["rectangular"].append(entries | {"singular_values": floats(values)})

OUT.parent.mkdir(parents=True, exist_ok=True)
kinds = [f' "{kind}": [\n' + ",\n".join("  " + json.dumps(case) for case in cases[kind]) + "\n ]" for kind in cases]
OUT.write_text("{\n" + ",\n".join(kinds) + "\n}\n")
