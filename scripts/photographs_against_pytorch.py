"""How fast zview reads photographs against torchvision's ImageFolder with a DataLoader and against WebDataset.

    python3 scripts/photographs_against_pytorch.py FOLDER [--images 2000] [--rounds 5] [--size 224] [--workers 2]

Needs torch, torchvision, webdataset and Pillow, and the program of
`cargo build --release -p zview-data --example read_photographs` (`--program`). FOLDER has train/<class>/*.JPEG. Every
round runs each of the three once on the same images, one after the other: images per second from the first batch asked
for to the last one had, and the ratio to zview's in the same round. `crop`: a random resized crop to SIZE x SIZE of each
image, mirrored or not; `centre`: the shorter side to SIZE * 8 / 7 and the centre SIZE x SIZE. Batches of 64, as float
tensors from 0 to 1.
"""

import argparse
import os
import re
import statistics
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

import torch
import webdataset
from torchvision import datasets, transforms


def rate_of(loader, images):
    started, seen = time.perf_counter(), 0
    for batch in loader:
        pixels = batch[0]
        seen += len(pixels)
    assert seen >= images * 0.98, seen
    return seen / (time.perf_counter() - started)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    for name, default in [("images", 2000), ("rounds", 5), ("size", 224), ("workers", 2)]:
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--program", default="target/release/examples/read_photographs")
    arguments = parser.parse_args()
    size = arguments.size
    how = {
        "crop": transforms.Compose([transforms.RandomResizedCrop(size, scale=(0.2, 1.0)), transforms.RandomHorizontalFlip(), transforms.ToTensor()]),
        "centre": transforms.Compose(
            [transforms.Resize(size * 8 // 7, transforms.InterpolationMode.BICUBIC), transforms.CenterCrop(size), transforms.ToTensor()]
        ),
    }
    files = sorted(Path(arguments.folder, "train").rglob("*.JPEG"))
    step = max(1, len(files) // arguments.images)
    files = files[::step][: arguments.images]
    with tempfile.TemporaryDirectory() as folder:
        # The same images for all three: links, and shards of them, as many as there are workers.
        for file in files:
            place = Path(folder, "images", "train", file.parent.name)
            place.mkdir(parents=True, exist_ok=True)
            os.link(file, place / file.name) if os.stat(file).st_dev == os.stat(folder).st_dev else (place / file.name).write_bytes(file.read_bytes())
        for shard in range(arguments.workers):
            with tarfile.open(Path(folder, f"shard-{shard}.tar"), "w") as tar:
                for file in files[shard :: arguments.workers]:
                    tar.add(file, file.stem + ".jpg")
        for kind, transform in how.items():
            ratios = {"torchvision": [], "webdataset": []}
            for _ in range(arguments.rounds):
                command = [arguments.program, f"{folder}/images", str(size), kind, str(len(files)), str(arguments.workers)]
                ours = float(re.match(r"[0-9.]+", subprocess.run(command, check=True, capture_output=True, text=True).stdout).group())
                images = datasets.ImageFolder(f"{folder}/images/train", transform)
                loader = torch.utils.data.DataLoader(images, 64, shuffle=True, num_workers=arguments.workers)
                theirs = {"torchvision": rate_of(loader, len(files))}
                shards = [str(Path(folder, f"shard-{shard}.tar")) for shard in range(arguments.workers)]
                images = webdataset.WebDataset(shards, shardshuffle=False).decode("pil").to_tuple("jpg").map_tuple(transform)
                theirs["webdataset"] = rate_of(torch.utils.data.DataLoader(images, 64, num_workers=arguments.workers), len(files))
                print(f"{kind}: zview {ours:.0f}" + "".join(f", {name} {rate:.0f}" for name, rate in theirs.items()), "images/s", f"(load {os.getloadavg()[0]:.1f})")
                for name, rate in theirs.items():
                    ratios[name].append(ours / rate)
            for name, found in ratios.items():
                print(f"{kind}: {statistics.median(found):.2f} of {name} ({min(found):.2f} to {max(found):.2f})")
