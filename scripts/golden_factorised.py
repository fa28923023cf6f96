#!/usr/bin/env python3
"""Writes crates/generator/tests/golden/factorised.json: eigenvectors of A Aᵀ by numpy.linalg.eigh in f64.

    python scripts/golden_factorised.py
"""

import json
import pathlib

import numpy as np

OUT = pathlib.Path(__file__).resolve().parent.parent / "crates/generator/tests/golden/factorised.json"
ROWS, COLUMNS = 24, 40

weights = np.random.default_rng(0).normal(size=(ROWS, COLUMNS)).astype(np.float32)
values, vectors = np.linalg.eigh(weights.astype(np.float64) @ weights.astype(np.float64).T)
order = np.argsort(-values)
OUT.parent.mkdir(parents=True, exist_ok=True)
OUT.write_text(
    json.dumps(
        {
            "rows": ROWS,
            "columns": COLUMNS,
            "weights": [float(value) for value in weights.ravel()],
            "eigenvalues": values[order].tolist(),
            "eigenvectors": vectors.T[order].ravel().tolist(),
        }
    )
    + "\n"
)
