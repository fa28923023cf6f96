#!/usr/bin/env python3
"""Nearest neighbours of zview and of scikit-learn, on the same features, in one run.

    cargo build --release -p zview-probe --example nearest_raw
    python3 scripts/knn_against_sklearn.py target/release/examples/nearest_raw [--train 60000] [--test 10000] \\
        [--dimension 512] [--k 200] [--folder FOLDER]

Features are clouds around random class centres, shuffled, with 64 copies of rows among them (exact ties). Compared with
NearestNeighbors(metric="cosine", algorithm="brute"), place by place. A place counts as a tie where the two rows named
there are equally near within the rounding of f32: their cosines, computed again in f64, differ by less than --tie.
Prints both times, zview's peak memory (at most 2 GiB), the number of places that differ and the largest gap of
similarity among them; exit code 1 where a place differs by more than a tie, or memory does not suffice.

Needs numpy and scikit-learn.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import sklearn
from sklearn.neighbors import NearestNeighbors

parser = argparse.ArgumentParser()
parser.add_argument("program")
parser.add_argument("--train", type=int, default=60_000)
parser.add_argument("--test", type=int, default=10_000)
parser.add_argument("--dimension", type=int, default=512)
parser.add_argument("--classes", type=int, default=10)
parser.add_argument("--k", type=int, default=200)
parser.add_argument("--tie", type=float, default=1e-6)
parser.add_argument("--folder", help="for the files that are passed on; a temporary one where it is not given")
options = parser.parse_args()

rng = np.random.default_rng(0)
centres = rng.normal(size=(options.classes, options.dimension)).astype(np.float32)


def clouds(rows):
    noise = rng.normal(size=(rows, options.dimension)).astype(np.float32)
    # Rectified, as the features of most encoders are.
    return np.maximum(centres[rng.integers(options.classes, size=rows)] + 1.5 * noise, 0)


train, test = clouds(options.train), clouds(options.test)
copies = rng.choice(options.train, size=(2, 64), replace=False)
train[copies[1]] = train[copies[0]]

with tempfile.TemporaryDirectory(dir=options.folder) as folder:
    folder = pathlib.Path(folder)
    train.tofile(folder / "train.f32")
    test.tofile(folder / "test.f32")
    command = [options.program, folder / "train.f32", folder / "test.f32", options.dimension, options.k, folder / "out"]
    ours = json.loads(subprocess.run([str(word) for word in command], check=True, capture_output=True).stdout)
    raw = np.fromfile(folder / "out", dtype=np.uint32).reshape(2, options.test, options.k)
images = raw[0].astype(np.int64)

started = time.perf_counter()
model = NearestNeighbors(n_neighbors=options.k, metric="cosine", algorithm="brute", n_jobs=-1).fit(train)
_, theirs = model.kneighbors(test)
seconds = time.perf_counter() - started

unit = [rows.astype(np.float64) for rows in (train, test)]
for rows in unit:
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
row, place = np.nonzero(images != theirs)


def cosines(named):
    pieces = np.array_split(np.arange(len(row)), max(1, len(row) // 50_000))
    return np.concatenate([(unit[1][row[p]] * unit[0][named[row[p], place[p]]]).sum(1) for p in pieces] or [[]])


gap = cosines(theirs) - cosines(images)
missing = sum(len(set(a) - set(b)) for a, b in zip(images[np.unique(row)].tolist(), theirs[np.unique(row)].tolist()))
pairs = [(int(max(pair)), int(min(pair))) for pair in copies.T]
by_index = all(
    low in position and position[low] < position[high]
    for position in ({image: at for at, image in enumerate(named)} for named in images.tolist())
    for high, low in pairs
    if high in position
)
print(f"{options.train:,} x {options.test:,} x {options.dimension}, k = {options.k}, scikit-learn {sklearn.__version__}")
print(f"zview {ours['seconds']:.2f} s, peak {ours['peak_mebibytes']:.0f} MiB; scikit-learn {seconds:.2f} s")
print(
    f"{len(row)} of {images.size:,} places name another row, {missing} neighbours are only in one of the lists; "
    f"largest gap of similarity {np.abs(gap).max(initial=0):.1e}; copies in the order of their index: {by_index}"
)
wrong = int((np.abs(gap) >= options.tie).sum())
if wrong or not by_index or ours["peak_mebibytes"] > 2048:
    sys.exit(f"{wrong} places differ by more than a tie ({options.tie:.0e})")
