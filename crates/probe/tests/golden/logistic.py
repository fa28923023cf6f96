"""Writes logistic.json: optima of scikit-learn's multinomial logistic regression.

Run: python logistic.py   (scikit-learn 1.9.1, numpy)
"""

import json
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

rng = np.random.default_rng(0)
N, D, C = 90, 6, 4
cases = []
for correlated in (False, True):
    labels = np.arange(N) % C
    centres = rng.normal(size=(C, D))
    x = centres[labels] * 0.7 + rng.normal(size=(N, D))
    if correlated:  # condition number of the covariance about 1e4
        x = x @ rng.normal(size=(D, 2)) @ rng.normal(size=(2, D)) + 0.02 * rng.normal(size=(N, D))
    x = np.round((x - x.mean(0)) / x.std(0), 4)
    for l2 in (1e-3, 1e-1, 10.0):
        model = LogisticRegression(C=1 / (l2 * N), solver="newton-cg", tol=1e-13, max_iter=100_000).fit(x, labels)
        logits = x @ model.coef_.T + model.intercept_
        logits -= logits.max(1, keepdims=True)
        log_probability = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        loss = -log_probability[np.arange(N), labels].mean() + l2 / 2 * (model.coef_**2).sum()
        cases.append(
            {
                "correlated": correlated,
                "l2": l2,
                "loss": loss,
                "coefficients": np.round(model.coef_, 9).ravel().tolist(),
                "intercepts": np.round(model.intercept_ - model.intercept_.mean(), 9).tolist(),
                "correct": int((logits.argmax(1) == labels).sum()),
                "features": x.ravel().tolist() if l2 == 1e-3 else None,
            }
        )
golden = {"images": N, "dimension": D, "classes": C, "cases": cases}
Path(__file__).with_suffix(".json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
