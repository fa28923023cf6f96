"""Writes maps.json: what numpy and scikit-learn make of 300 of scikit-learn's handwritten digits.

    python3 crates/probe/tests/golden/maps.py

Needs numpy and scikit-learn (made with 1.5 and later).
"""

import json
import pathlib

import numpy as np
import sklearn
from sklearn.datasets import load_digits
from sklearn.manifold import TSNE, trustworthiness

IMAGES, AXES, NEIGHBOURS = 300, 4, 15


def principal(values, count):
    """Axes, variances and coordinates of the leading principal components; the largest entry positive."""
    centred = values - values.mean(axis=0)
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    for axis in axes:
        axis *= np.sign(axis[np.argmax(np.abs(axis))])
    return axes[:count], singular**2 / (len(values) - 1), centred @ axes[:count].T


def main():
    digits = load_digits()
    values, labels = digits.data[:IMAGES], digits.target[:IMAGES]
    axes, variances, coordinates = principal(values, AXES)
    wide_axes, wide_variances, _ = principal(values[:40], AXES)
    _, _, reduced = principal(values, 50)
    tsne = TSNE(init="pca", perplexity=30, random_state=0).fit(reduced)
    golden = {
        "sklearn": sklearn.__version__,
        "values": values.astype(int).ravel().tolist(),
        "labels": labels.tolist(),
        "axes": axes.ravel().tolist(),
        "variances": variances[:AXES].tolist(),
        "total_variance": variances.sum(),
        "wide_axes": wide_axes.ravel().tolist(),
        "wide_variances": wide_variances[:AXES].tolist(),
        "pca_trustworthiness": trustworthiness(values, coordinates[:, :2], n_neighbors=NEIGHBOURS),
        "tsne_trustworthiness": trustworthiness(values, tsne.embedding_, n_neighbors=NEIGHBOURS),
        "tsne_divergence": float(tsne.kl_divergence_),
    }
    path = pathlib.Path(__file__).with_name("maps.json")
    path.write_text(json.dumps(golden) + "\n")


main()
