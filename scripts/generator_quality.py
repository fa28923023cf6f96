#!/usr/bin/env python3
"""How near a generator's samples are to real images, by numbers that need no network.

    python3 scripts/generator_quality.py target/release/zview DATA_DIR/mnist GENERATOR... [--samples 2000]

Samples are drawn by `zview sample` (the anchors, truncated at 2 as in training), real images are the first test images
of the IDX files in DATA_DIR/mnist (`cargo run --release -p zview-data --example write_idx -- glyphs FOLDER` writes those of
the embedded letters); all become grey, 28x28, and are projected on the 64 principal components of the real
ones. Printed for each generator, and for as many other real images as a yardstick:

- Frechet: squared Frechet distance of the two Gaussians (Heusel et al. 2017, with pixels for features);
- density and coverage with the 5 nearest neighbours of each real image (Naeem et al. 2020): the mean number, over 5, of
  real neighbourhoods that a sample lies in, and the share of real images with a sample in their neighbourhood.

Needs numpy, scipy and Pillow.
"""

import argparse
import gzip
import pathlib
import subprocess
import tempfile

import numpy as np
from PIL import Image
from scipy.linalg import sqrtm

parser = argparse.ArgumentParser()
parser.add_argument("zview")
parser.add_argument("data", type=pathlib.Path)
parser.add_argument("generators", nargs="+")
parser.add_argument("--samples", type=int, default=2000)
parser.add_argument("--components", type=int, default=64)
parser.add_argument("--neighbours", type=int, default=5)
arguments = parser.parse_args()


def idx_images(folder, start):
    """(N, H, W) of the file whose name begins with `start`, packed or not."""
    path = sorted(folder.glob(f"{start}-images*"))[0]
    raw = gzip.open(path).read() if path.suffix == ".gz" else path.read_bytes()
    count, height, width = np.frombuffer(raw[4:16], ">i4")
    return np.frombuffer(raw, np.uint8, offset=16).reshape(count, height, width)


def samples(generator):
    """(N, 28, 28) anchors of the generator."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "samples"
        command = [arguments.zview, "sample", "--generator", generator, "--anchors", str(arguments.samples)]
        command += ["--kind", "same", "--seed", "0", "--per-anchor", "1", "--out", str(out), "--device", "cpu"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        files = sorted(out.rglob("*.png"))[: arguments.samples]
        images = [np.asarray(Image.open(file).convert("L").resize((28, 28), Image.BILINEAR)) for file in files]
    assert len(images) == arguments.samples, f"{generator}: {len(images)} images"
    return np.stack(images)


def frechet(a, b):
    root = sqrtm(np.cov(a.T) @ np.cov(b.T)).real
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(np.cov(a.T) + np.cov(b.T) - 2 * root))


def distances(a, b):
    return np.sqrt(np.maximum((a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T, 0))


real = idx_images(arguments.data, "t10k").reshape(-1, 28 * 28)[: arguments.samples] / 255.0
others = idx_images(arguments.data, "train").reshape(-1, 28 * 28)[: arguments.samples] / 255.0
mean = real.mean(0)
axes = np.linalg.svd(real - mean, full_matrices=False)[2][: arguments.components]
real_points = (real - mean) @ axes.T
radius = np.sort(distances(real_points, real_points), axis=1)[:, arguments.neighbours]
print(f"| generator | Frechet | density | coverage |\n|---|---|---|---|")
sets = [("real images", lambda: others)]
sets += [(name, lambda name=name: samples(name).reshape(-1, 28 * 28) / 255.0) for name in arguments.generators]
for name, images in sets:
    points = (images() - mean) @ axes.T
    inside = distances(real_points, points) < radius[:, None]
    density = inside.sum() / arguments.neighbours / len(points)
    print(f"| {name} | {frechet(real_points, points):.2f} | {density:.2f} | {inside.any(1).mean():.2f} |", flush=True)
