"""The whole range of 45 penalties: zview's logistic regression against scikit-learn's, on the same features.

Run: cargo build --release -p zview-probe --example logistic_raw
     python scripts/logistic_against_sklearn.py target/release/examples/logistic_raw [FEATURES.f32 LABELS.u8]

FEATURES holds f32 values (N, D), LABELS one byte per row; without them 60,000 x 512 rectified, strongly correlated random
class clouds are made. Both programs get the same standardised features and the same objective: mean cross-entropy plus
l2 / 2 ||W||^2, so that scikit-learn's C is 1 / (l2 N). scikit-learn (lbfgs, f64) begins each penalty at the last one's
optimum (warm_start), which is its quickest way; --tol and --max-iter are its own. Needs numpy and scikit-learn.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
import warnings

import numpy as np


def random_features(images=60_000, dimension=512, classes=10):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, classes, images)
    mixing = rng.normal(size=(dimension, dimension)) * (np.arange(1, dimension + 1) ** -0.7)[:, None]
    latent = rng.normal(size=(images, dimension)) + 1.5 * rng.normal(size=(classes, dimension))[labels]
    return np.maximum(latent @ mixing, 0).astype(np.float32), labels.astype(np.uint8)


def loss_of(x, labels, weights, bias, l2):
    logits = x @ weights.T + bias
    top = logits.max(1)
    log_sum = top + np.log(np.exp(logits - top[:, None]).sum(1))
    accuracy = (logits.argmax(1) == labels).mean()
    return (log_sum - logits[np.arange(len(x)), labels]).mean() + l2 / 2 * (weights**2).sum(), accuracy


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("files", nargs="*")
    parser.add_argument("--tol", type=float, default=1e-4)
    parser.add_argument("--max-iter", type=int, default=1000)
    parser.add_argument("--every", type=int, default=1, help="scikit-learn fits every so many penalties only")
    options = parser.parse_args()
    if options.files:
        labels = np.fromfile(options.files[1], np.uint8)
        x = np.fromfile(options.files[0], np.float32).reshape(len(labels), -1)
    else:
        x, labels = random_features()
    std = x.std(0, dtype=np.float64)
    x = ((x - x.mean(0, dtype=np.float64)) / np.where(std > 0, std, 1)).astype(np.float32)
    n, d = x.shape
    penalties = [10 ** (quarter / 4) for quarter in range(20, -25, -1)]

    with tempfile.TemporaryDirectory() as folder:
        features, classes, out = (os.path.join(folder, name) for name in ("x", "y", "out"))
        x.tofile(features)
        labels.tofile(classes)
        subprocess.run([options.program, features, classes, ",".join(map(repr, penalties)), out], check=True)
        *ours, last = [json.loads(line) for line in open(out)]
        models = np.fromfile(out + ".weights").reshape(len(penalties), -1, d + 1)
    print(f"{n} x {d}, {models.shape[1]} classes; zview, {len(penalties)} penalties: {last['seconds']:.1f} s", flush=True)

    from sklearn.linear_model import LogisticRegression

    wide = x.astype(np.float64)
    model = LogisticRegression(tol=options.tol, max_iter=options.max_iter, warm_start=True)
    total, worst_loss, worst_accuracy = 0.0, 0.0, 0.0
    for index in range(0, len(penalties), options.every):
        l2 = penalties[index]
        model.C = 1 / (l2 * n)
        started = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # iteration limit: the loss says how far it got
            model.fit(wide, labels)
        seconds = time.perf_counter() - started
        total += seconds
        theirs, their_accuracy = loss_of(wide, labels, model.coef_, model.intercept_, l2)
        check, our_accuracy = loss_of(wide, labels, models[index][:, :d], models[index][:, d], l2)
        assert abs(check / ours[index]["loss"] - 1) < 1e-9, (check, ours[index])
        gap = check / theirs - 1
        worst_loss, worst_accuracy = max(worst_loss, gap), max(worst_accuracy, abs(our_accuracy - their_accuracy))
        print(
            f"l2 {l2:9.3e}: zview {ours[index]['loss']:.9f} in {ours[index]['steps']:3} steps, scikit-learn {theirs:.9f} in "
            f"{model.n_iter_[0]:4} steps and {seconds:6.1f} s; ours over theirs {gap:+.1e}, accuracy {our_accuracy - their_accuracy:+.5f}",
            flush=True,
        )
    print(f"scikit-learn: {total:.1f} s for {len(range(0, len(penalties), options.every))} penalties;", end=" ")
    print(f"ratio {total / last['seconds']:.1f}; our loss at most {worst_loss:+.1e} above, accuracies within {worst_accuracy:.5f}")


if __name__ == "__main__":
    main()
