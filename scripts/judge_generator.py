#!/usr/bin/env python3
"""Judges a class-conditional generator of the letters in `assets/glyphs`: a classifier that was trained on the real
training images, by PyTorch and independently of zview, reads the letters of generated ones.

    python3 scripts/judge_generator.py --binary target/release/zview --generator glyphs-gan-conditional

Prints the classifier's accuracy on the real test images (other typefaces than it was trained on), and the share of
generated images whose letter it finds to be the one that was asked for. Needs torch, numpy and pillow.
"""

import argparse
import gzip
import json
import pathlib
import subprocess
import tempfile

import numpy
import torch
from PIL import Image
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parent.parent


def idx(path):
    data = gzip.decompress(path.read_bytes())
    extents = numpy.frombuffer(data, ">u4", count=data[3], offset=4)
    return numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * data[3]).reshape(extents)


def real(split):
    folder = ROOT / "assets" / "glyphs"
    images, labels = idx(folder / f"{split}-images-idx3-ubyte.gz"), idx(folder / f"{split}-labels-idx1-ubyte.gz")
    return torch.tensor(images[:, None] / 255.0, dtype=torch.float32), torch.tensor(labels.astype(numpy.int64))


def generated(binary, generator, anchors, seed):
    with tempfile.TemporaryDirectory() as folder:
        command = [binary, "sample", "--generator", generator, "--anchors", str(anchors), "--per-anchor", "1"]
        command += ["--truncation", "10", "--seed", str(seed), "--device", "cpu", "--json", "--out", folder]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        paths = sorted(pathlib.Path(folder).glob("*/*.png"))
        images = numpy.stack([numpy.asarray(Image.open(path)) for path in paths])
        labels = [int(path.parent.name) for path in paths]
    return torch.tensor(images[:, None] / 255.0, dtype=torch.float32), torch.tensor(labels)


def classifier():
    def block(inputs, outputs):
        return [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]

    layers = block(1, 32) + [nn.MaxPool2d(2)] + block(32, 64) + [nn.MaxPool2d(2)] + block(64, 128)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Dropout(0.3), nn.Linear(128 * 9, 26))


def train(images, labels, steps, seed):
    torch.manual_seed(seed)
    network = classifier()
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    for _ in range(steps):
        batch = torch.randint(len(images), (128,))
        shift = torch.randint(-2, 3, (2,)).tolist()
        moved = torch.roll(images[batch], shift, dims=(2, 3))
        loss = nn.functional.cross_entropy(network(moved), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network.eval()


@torch.no_grad()
def accuracy(network, images, labels):
    found = torch.cat([network(part).argmax(1) for part in images.split(512)])
    return (found == labels).float().mean().item()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(ROOT / "target/release/zview"))
    parser.add_argument("--generator", nargs="+", default=["glyphs-gan-conditional"])
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--images", type=int, default=5200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    network = train(*real("train"), arguments.steps, arguments.seed)
    result = {"real_test_accuracy": accuracy(network, *real("t10k")), "letter_found": {}}
    for generator in arguments.generator:
        images, labels = generated(arguments.binary, generator, arguments.images, arguments.seed)
        result["letter_found"][generator] = accuracy(network, images, labels)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
