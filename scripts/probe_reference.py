"""A torchvision ResNet, probed by zview and by the same probe in Python: accuracies must agree within 0.2 point.

Run: cargo build --release
     python scripts/probe_reference.py target/release/zview DATA_DIR [--steps 60]

DATA_DIR holds fashion-mnist (IDX files). A torchvision ResNet-18 is taught Fashion-MNIST for a few steps, so that its features are worth
probing, and saved as torchvision saves it (with its head, which the probe leaves out). Then, on the first 10,000 training images and all
test images, resized by nobody (28 x 28, grey repeated to three channels):

- zview: `zview probe resnet18.pth --data fashion-mnist --json`, pixels in 0 to 1 and scaled as ImageNet's;
- Python: torchvision's features in evaluation mode, standardised, scikit-learn's LogisticRegression with the penalty that zview picked (so
  that no two random splits are compared), and k-nearest neighbours with DINO's votes.

Needs torch, torchvision, scikit-learn, numpy.
"""

import argparse
import gzip
import json
import os
import subprocess
import tempfile

import numpy as np
import torch
import torchvision
from sklearn.linear_model import LogisticRegression

POOL = 10_000


def idx(folder, kind):
    path = os.path.join(folder, "fashion-mnist", kind + "-ubyte.gz")
    data = gzip.open(path).read()
    extents = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(data[3])]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * len(extents)).reshape(extents)


def images(pixels, imagenet):
    x = torch.from_numpy(pixels.copy()).float()[:, None].expand(-1, 3, -1, -1) / 255
    if imagenet:
        mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[:, :, None, None]
        x = (x - mean) / std
    return x


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("zview")
    parser.add_argument("data")
    parser.add_argument("--steps", type=int, default=60)
    options = parser.parse_args()
    train, labels = idx(options.data, "train-images-idx3"), idx(options.data, "train-labels-idx1")
    test, test_labels = idx(options.data, "t10k-images-idx3"), idx(options.data, "t10k-labels-idx1")

    torch.manual_seed(0)
    network = torchvision.models.resnet18(num_classes=10)
    optimizer = torch.optim.SGD(network.parameters(), 0.05, momentum=0.9)
    for _ in range(options.steps):
        chosen = torch.randint(0, len(train), (64,)).numpy()
        loss = torch.nn.functional.cross_entropy(network(images(train[chosen], True)), torch.from_numpy(labels[chosen].astype(np.int64)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    network.eval()
    folder = tempfile.mkdtemp()
    path = os.path.join(folder, "resnet18.pth")
    torch.save(network.state_dict(), path)
    network.fc = torch.nn.Identity()

    worst = 0.0
    for pixels in ("unit", "imagenet"):
        command = [options.zview, "probe", path, "--data", "fashion-mnist", "--data-dir", options.data, "--pixels", pixels]
        command += ["--protocol", "linear", "--protocol", "knn", "--device", "cpu", "--no-cache", "--json"]
        ours = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        with torch.no_grad():
            encode = lambda x: torch.cat([network(images(x[i : i + 250], pixels == "imagenet")) for i in range(0, len(x), 250)]).numpy()
            x, x_test = encode(train[:POOL]).astype(np.float64), encode(test).astype(np.float64)
        mean, std = x.mean(0), x.std(0)
        std[std < 1e-12 * np.abs(mean) + 1e-300] = 1
        model = LogisticRegression(C=1 / (ours["linear"]["penalty"] * POOL), tol=1e-4, max_iter=5_000)
        theirs = model.fit((x - mean) / std, labels[:POOL]).score((x_test - mean) / std, test_labels)
        results = [("linear", ours["linear"]["top1"], theirs)]

        unit = lambda rows: rows / np.linalg.norm(rows, axis=1, keepdims=True)
        similarity = unit(x_test) @ unit(x).T
        for k in (10, 20, 100, 200):
            nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
            votes = np.zeros((len(test), 10))
            for place in range(k):
                column = nearest[:, place]
                votes[np.arange(len(test)), labels[column]] += np.exp(similarity[np.arange(len(test)), column] / 0.07)
            results.append((f"{k}-nn", ours["knn"][str(k)]["top1"], (votes.argmax(1) == test_labels).mean()))
        for name, mine, reference in results:
            worst = max(worst, abs(mine - reference))
            print(f"{pixels:8} {name:7} zview {100 * mine:.2f} Python {100 * reference:.2f} difference {100 * (mine - reference):+.2f}", flush=True)
    print(f"largest difference {100 * worst:.2f} points")
    if worst > 0.002:
        raise SystemExit("more than 0.2 point")


if __name__ == "__main__":
    main()
