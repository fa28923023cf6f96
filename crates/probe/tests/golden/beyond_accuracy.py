"""Writes beyond_accuracy.json: calibration, outlier, spectrum, cluster and blur figures by numpy, scipy and scikit-learn.

Run: python beyond_accuracy.py   (numpy 1.26, scipy 1.17.1, scikit-learn 1.9.1)
"""

import json
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.covariance import LedoitWolf
from sklearn.metrics import (
    adjusted_rand_score,
    davies_bouldin_score,
    normalized_mutual_info_score,
    roc_auc_score,
    roc_curve,
    silhouette_score,
)
from sklearn.metrics.cluster import contingency_matrix

rng = np.random.default_rng(0)


def floats(values, digits=4):
    """What is stored is what is computed with: f32 of the rounded value."""
    return np.round(values, digits).astype(np.float32).astype(np.float64)


def short(values, digits=4):
    """The decimals from which f32 gives the same values."""
    return np.round(values, digits).ravel().tolist()


def calibration():
    confidence = floats(np.concatenate([rng.uniform(0.2, 1, 380), np.full(12, 1.0), np.full(8, 0.6)]))
    correct = rng.uniform(size=400) < confidence - 0.1
    edges = np.linspace(0, 1, 16)
    ece = largest = 0.0
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            gap = abs(confidence[inside].mean() - correct[inside].mean())
            ece += inside.mean() * gap
            largest = max(largest, gap)
    order = np.argsort(confidence, kind="stable")
    tied = np.array([correct[confidence == value].mean() for value in confidence])
    adaptive = sum(
        len(part) / 400 * abs(confidence[part].mean() - tied[part].mean()) for part in np.array_split(order, 15)
    )
    probability = floats(np.where(correct, confidence, (1 - confidence) / 2))
    return {
        "confidence": short(confidence),
        "correct": correct.tolist(),
        "label_probability": short(probability),
        "ece": ece,
        "max_calibration_error": largest,
        "adaptive_ece": adaptive,
        "negative_log_likelihood": -np.log(np.maximum(probability, np.finfo(np.float32).tiny)).mean(),
        "top_label_brier": ((confidence - correct) ** 2).mean(),
    }


def ranking():
    cases = []
    for digits in (4, 1, 0):  # fewer digits, more ties
        inliers, outliers = np.round(rng.normal(0, 1, 90), digits), np.round(rng.normal(1, 1.5, 70), digits)
        scores, is_outlier = np.concatenate([inliers, outliers]), np.repeat([0, 1], [90, 70])
        # The positives of the false positive rate are the inliers, which score low.
        fpr, tpr, _ = roc_curve(1 - is_outlier, -scores, drop_intermediate=False)
        cases.append(
            {
                "inliers": inliers.tolist(),
                "outliers": outliers.tolist(),
                "auroc": roc_auc_score(is_outlier, scores),
                "false_positive_rate": fpr[np.argmax(tpr >= 0.95)],
            }
        )
    return cases


def features(images, dimension, classes, separation):
    labels = np.arange(images) % classes
    centres = rng.normal(size=(classes, dimension)) * separation
    mixed = rng.normal(size=(images, dimension)) @ np.diag(1 / np.arange(1, dimension + 1))
    return floats(centres[labels] + mixed + 0.5, 3), labels


def mahalanobis():
    train, labels = features(120, 6, 3, 0.8)
    asked, _ = features(20, 6, 3, 1.5)
    means = np.array([train[labels == c].mean(0) for c in range(3)])
    estimate = LedoitWolf(assume_centered=True).fit(train - means[labels])
    difference = asked[:, None] - means
    squared = np.einsum("ncd,de,nce->nc", difference, np.linalg.inv(estimate.covariance_), difference).min(1)
    return {
        "train": short(train),
        "asked": short(asked),
        "shrinkage": estimate.shrinkage_,
        "squared_distances": squared.tolist(),
    }


def entropy_rank(singular_values):
    # What rounding leaves of no variance at all is no direction.
    kept = singular_values[singular_values > 1e-9 * singular_values[0]]
    shares = kept / kept.sum()
    return np.exp(-(shares * np.log(shares)).sum())


def spectrum():
    cases = []
    for images, dimension in ((200, 12), (9, 14)):
        x, _ = features(images, dimension, 3, 0.7)
        x = floats(x, 3)
        x[:, 3] = 0
        x[:, 5] = 1.25
        centred = x - x.mean(0)
        eigenvalues = np.linalg.eigvalsh(centred.T @ centred / images)[::-1]
        singular_values = np.linalg.svd(centred, compute_uv=False)
        used = min(int((eigenvalues > 1e-12 * eigenvalues[0]).sum()), 100)
        rank = np.arange(4, used + 1)
        design = np.stack([-np.log(rank), np.ones(len(rank))], 1)
        root = np.sqrt(1 / rank)[:, None]
        fit = np.linalg.lstsq(design * root, np.log(eigenvalues[3:used])[:, None] * root, rcond=None)[0]
        cases.append(
            {
                "images": images,
                "dimension": dimension,
                "features": short(x),
                "eigenvalues": np.maximum(eigenvalues, 0).tolist(),
                "effective_rank": entropy_rank(singular_values),
                "rank_me": entropy_rank(np.linalg.svd(x, compute_uv=False)),
                "participation_ratio": eigenvalues.sum() ** 2 / (eigenvalues**2).sum(),
                "alpha": fit[0, 0],
            }
        )
    return cases


def clusters():
    x, labels = features(240, 5, 4, 1.0)
    assignment = rng.integers(0, 6, 240)
    assignment[:150] = labels[:150]
    assignment[239] = 9  # alone
    table = contingency_matrix(labels, assignment)
    rows, columns = linear_sum_assignment(-table)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    return {
        "features": short(x),
        "labels": labels.tolist(),
        "assignment": assignment.tolist(),
        "silhouette": silhouette_score(x, assignment),
        "davies_bouldin": davies_bouldin_score(x, assignment),
        "adjusted_rand": adjusted_rand_score(labels, assignment),
        "normalised_mutual_information": normalized_mutual_info_score(labels, assignment),
        "accuracy": table[rows, columns].sum() / 240,
        "kmeans_inertia": {
            str(k): KMeans(k, n_init=10, random_state=0).fit(unit).inertia_ for k in (2, 4, 12)
        },
    }


def matching():
    cases = []
    for rows, columns in ((7, 7), (5, 12), (12, 5), (30, 30)):
        weights = rng.integers(0, 60, (rows, columns))
        found = linear_sum_assignment(weights, maximize=True)
        cases.append({"weights": weights.tolist(), "sum": int(weights[found].sum())})
    return cases


def blur():
    image = rng.integers(0, 256, (2, 17, 23))
    severities = [0.0125, 0.01875, 0.021875, 0.025, 0.03125]
    blurred = [
        [np.round(gaussian_filter(c.astype(float), share * 17, mode="nearest", truncate=4)) for c in image]
        for share in severities
    ]
    return {
        "height": 17,
        "width": 23,
        "pixels": image.ravel().tolist(),
        "blurred": [np.array(b).astype(int).ravel().tolist() for b in blurred],
    }


golden = {
    "calibration": calibration(),
    "ranking": ranking(),
    "mahalanobis": mahalanobis(),
    "spectrum": spectrum(),
    "clusters": clusters(),
    "matching": matching(),
    "blur": blur(),
}
Path(__file__).with_suffix(".json").write_text(json.dumps(golden, separators=(",", ":"), default=float) + "\n")
