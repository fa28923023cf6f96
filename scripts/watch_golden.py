#!/usr/bin/env python3
"""Writes crates/contrastive/tests/golden/watch.json: the collapse watch's measures by NumPy and PyTorch in f64.

    python scripts/watch_golden.py

Written from the papers, not from zview's code: effective rank by numpy.linalg.svd, uniformity by torch.pdist as in
https://github.com/ssnl/align_uniform, standard deviations by torch.std.
"""

import json
import pathlib

import numpy as np
import torch
from torch.nn import functional

OUT = pathlib.Path(__file__).resolve().parent.parent / "crates/contrastive/tests/golden/watch.json"
BINS = 40


def effective_rank(features):
    singular_values = np.linalg.svd(features, compute_uv=False)
    p = singular_values / singular_values.sum()
    p = p[p > 0]
    return float(np.exp(-(p * np.log(p)).sum()))


def histogram(values):
    counts, _ = np.histogram(np.clip(values, -1, 1), bins=BINS, range=(-1, 1))
    return counts.tolist()


def case(name, features, views):
    # Rounded first, so that the reference and zview see the same numbers in a small file.
    features = np.array([[float(f"{value:.6g}") for value in row] for row in features])
    rows, dimension = features.shape
    x = functional.normalize(torch.tensor(features), dim=1)
    by_view = [x[v::views] for v in range(views)]
    pairs = [(v, w) for v in range(views) for w in range(v + 1, views)]
    alignment = [(by_view[v] - by_view[w]).norm(dim=1).pow(2).mean().item() for v, w in pairs]
    uniformity = [torch.pdist(view, p=2).pow(2).mul(-2).exp().mean().log().item() for view in by_view]
    cosine = (x @ x.T).numpy()
    anchor = np.arange(rows) // views
    above = np.triu(np.ones((rows, rows), bool), 1)
    same = anchor[:, None] == anchor[None, :]
    for values in (cosine[above & same], cosine[above & ~same]):
        inside = values[np.abs(values) < 1 - 1e-9]
        position = (inside + 1) * BINS / 2
        assert np.abs(position - np.round(position)).min(initial=1) > 1e-9, "a similarity on the edge of a bin"
    return {
        "name": name,
        "per_anchor": views,
        "dimension": dimension,
        "features": features.reshape(-1).tolist(),
        "effective_rank": effective_rank(features),
        "feature_std": x.std(dim=0).mean().item(),
        "alignment": float(np.mean(alignment)) if pairs else None,
        "uniformity": float(np.mean(uniformity)),
        "positives": histogram(cosine[above & same]),
        "negatives": histogram(cosine[above & ~same]),
    }


def main():
    draw = np.random.default_rng(5)

    def views_of(anchors, views, dimension, spread):
        anchors = np.repeat(draw.normal(size=(anchors, dimension)), views, axis=0)
        return anchors + spread * draw.normal(size=anchors.shape)

    cases = [
        case("two views, more rows", views_of(20, 2, 9, 0.3), 2),
        case("three views, more dimensions", views_of(4, 3, 33, 1.0), 3),
        case("one view", views_of(11, 1, 7, 0.0), 1),
        case("after a rectifier, around one direction", np.abs(3 + 0.2 * views_of(12, 2, 16, 0.5)), 2),
        case("rank two", views_of(10, 2, 2, 0.2) @ draw.normal(size=(2, 12)), 2),
        case("nearly one point", 1 + 1e-4 * views_of(8, 2, 10, 0.5), 2),
        case("singular values over eight decades", views_of(12, 2, 12, 0.4) * 10.0 ** -np.arange(0, 9, 0.75), 2),
    ]
    OUT.write_text(json.dumps(cases, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
