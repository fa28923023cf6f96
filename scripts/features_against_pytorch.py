"""Features of a torchvision ResNet-50 by zview and by PyTorch, on the same pixels, in pairs.

    python3 scripts/features_against_pytorch.py FOLDER [--images 2000] [--rounds 2] [--program target/release/zview]

Needs torch, torchvision and safetensors. The first IMAGES photographs of FOLDER (class folders) are packed by zview at 224
pixels (the shorter side to 256, the centre kept); the weights are PyTorch's initial ones with running statistics of one
batch, as published ones cannot be had everywhere: neither speed nor agreement depends on them. Each round runs
`zview embed` and PyTorch (batches of 64, evaluation mode, as many threads as there are cores) one after the other, both as
a process of its own; prints seconds, images per second, the ratio, and the largest difference relative to the features'
root mean square.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import torchvision
from safetensors import safe_open

MEAN, STD = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1), torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


def network():
    torch.manual_seed(0)
    net = torchvision.models.resnet50()
    net.fc = torch.nn.Identity()
    return net


def features(packed, weights, out):
    net = network().eval()
    net.load_state_dict(torch.load(weights), strict=False)
    with safe_open(packed, "pt") as file, torch.inference_mode():
        images = file.get_tensor("train.images")
        started = time.perf_counter()
        rows = [net((batch.float() / 255 - MEAN) / STD) for batch in images.split(64)]
        seconds = time.perf_counter() - started
    np.save(out, torch.cat(rows).numpy())
    print(seconds)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--pytorch"]:
        features(*sys.argv[2:])
        sys.exit()
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--program", default="target/release/zview")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = sorted(file for file in Path(arguments.folder).rglob("*") if file.suffix.lower() in (".jpeg", ".jpg", ".png"))
        for file in files[:: max(1, len(files) // arguments.images)][: arguments.images]:
            place = Path(folder, "images", "train", file.parent.name)
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{file.parent.parent.name}-{file.name}").symlink_to(file.resolve())
        packed, weights = f"{folder}/packed.safetensors", f"{folder}/resnet50.pth"
        pack = [arguments.program, "data", "pack", f"{folder}/images", "--size", "224", "--resize", "256", "-o", packed]
        subprocess.run(pack, check=True, capture_output=True)
        net = network().train()
        with safe_open(packed, "pt") as file, torch.no_grad():
            net((file.get_slice("train.images")[:64].float() / 255 - MEAN) / STD)
        torch.save({name: value for name, value in net.state_dict().items()}, weights)
        ratios = []
        for number in range(arguments.rounds):
            ours, theirs = f"{folder}/ours.npy", f"{folder}/theirs.npy"
            embed = [arguments.program, "embed", weights, "--data", packed, "--split", "train", "--size", "224"]
            embed += ["--pixels", "imagenet", "--no-cache", "--device", "cpu", "-o", ours]
            Path(ours).unlink(missing_ok=True)
            started = time.perf_counter()
            subprocess.run(embed, check=True, capture_output=True)
            mine = time.perf_counter() - started
            told = subprocess.run([sys.executable, __file__, "--pytorch", packed, weights, theirs], check=True, capture_output=True, text=True)
            other = float(re.findall(r"[0-9.]+", told.stdout)[-1])
            a, b = np.load(ours), np.load(theirs)
            worst = float(np.abs(a - b).max() / np.sqrt((b**2).mean()))
            ratios.append(other / mine)
            print(
                f"zview {mine:.1f} s ({len(a) / mine:.1f} images/s, starting and writing included), PyTorch {other:.1f} s "
                f"({len(b) / other:.1f} images/s, batches alone): ratio {ratios[-1]:.2f}; largest difference {worst:.1e} "
                f"(load {os.getloadavg()[0]:.1f})"
            )
        print(f"median ratio {statistics.median(ratios):.2f} over {arguments.rounds} rounds")
