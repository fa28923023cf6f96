#!/usr/bin/env python3
"""Runs the step of a recipe in PyTorch and in zview, in turn, and prints both rates and their ratio.

    python3 scripts/pytorch_baseline.py configs/mnist-synthetic-gaussian-1.0.toml [--rounds 3]

Needs torch (any 2.x; measured with 2.4.1) beside the zview binary. The PyTorch step is the same work:
views from the generator, resized crop, brightness and contrast with parameters of its own per image,
ResNet, projector, NT-Xent, SGD; float32, on the CPU, with the default and with the channels-last memory
layout. Machines drift, so only the ratios within one run mean something: each round measures all three,
and the medians are compared.

Covers recipes whose source is a sequential generator with linear layers, or real IDX images.
"""

import argparse
import gzip
import json
import math
import os
import pathlib
import statistics
import subprocess
import time
import tomllib

import torch
import torch.nn.functional as F
from torch import nn

ACTIVATIONS = {
    "relu": lambda layer: nn.ReLU(),
    "leaky-relu": lambda layer: nn.LeakyReLU(layer.get("slope", 0.01)),
    "tanh": lambda layer: nn.Tanh(),
    "sigmoid": lambda layer: nn.Sigmoid(),
}


class Generator(nn.Module):
    """A sequential generator of linear layers, from its manifest."""

    def __init__(self, manifest_path):
        super().__init__()
        manifest = tomllib.loads(manifest_path.read_text())
        self.dimension = manifest["latent"]["dimension"]
        self.classes = manifest.get("condition", {}).get("classes")
        output = manifest["output"]
        self.shape = (output["channels"], output["height"], output["width"])
        self.low, self.high = output["range"]
        state = torch.load(manifest_path.parent / manifest["weights"], map_location="cpu", weights_only=True)
        state = state.get(manifest.get("state_dict"), state)
        layers, self.embedding = [], None
        for layer in manifest["layers"]:
            kind = layer["kind"]
            if kind == "condition":
                self.embedding = state[layer["key"] + ".weight"]
            elif kind == "linear":
                linear = nn.Linear(layer["inputs"], layer["outputs"])
                linear.load_state_dict({name: state[f"{layer['key']}.{name}"] for name in ("weight", "bias")})
                layers.append(linear)
            elif kind in ACTIVATIONS:
                layers.append(ACTIVATIONS[kind](layer))
            elif kind != "reshape":
                raise SystemExit(f"{manifest_path}: layer kind {kind} is not covered by this script")
        self.layers = nn.Sequential(*layers)

    def forward(self, z, y):
        if self.embedding is not None:
            z = torch.cat([z, self.embedding[y]], 1)
        x = self.layers(z).view(-1, *self.shape)
        return (x - self.low) / (self.high - self.low)


class Block(nn.Module):
    """The basic block of ResNet-18 and -34."""

    def __init__(self, channels_in, channels_out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels_out)
        self.downsample = None
        if stride != 1 or channels_in != channels_out:
            shortcut = nn.Conv2d(channels_in, channels_out, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(channels_out))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(x)) + shortcut)


class Encoder(nn.Module):
    """ResNet-18 or -34 with the small stem, and its projector."""

    def __init__(self, recipe, channels):
        super().__init__()
        encoder = {"arch": "resnet18", "width": 64, "stem": "small"} | recipe.get("encoder", {})
        blocks = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3)}.get(encoder["arch"])
        if blocks is None or encoder["stem"] != "small":
            raise SystemExit("this script covers resnet18 and resnet34 with the small stem")
        width = encoder["width"]
        self.mean, self.std = encoder.get("pixel_mean", 0.5), encoder.get("pixel_std", 0.5)
        layers = [nn.Conv2d(channels, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        channels = width
        for stage, count in enumerate(blocks):
            for index in range(count):
                layers.append(Block(channels, width << stage, 2 if index == 0 and stage > 0 else 1))
                channels = width << stage
        self.body = nn.Sequential(*layers)
        head = []
        for size in recipe.get("objective", {}).get("projector", [128, 128]):
            head += ([nn.ReLU()] if head else []) + [nn.Linear(channels, size)]
            channels = size
        self.head = nn.Sequential(*head)

    def forward(self, x):
        return self.head(self.body((x - self.mean) / self.std).mean((2, 3)))


def augment(x, config):
    """Resized crop, brightness and contrast, each image with parameters of its own."""
    count, _, height, width = x.shape
    low, high = config.get("crop_scale", [0.3, 1.0])
    ratio_low, ratio_high = config.get("crop_ratio", [3 / 4, 4 / 3])
    area = torch.empty(count).uniform_(low, high)
    ratio = torch.empty(count).uniform_(math.log(ratio_low), math.log(ratio_high)).exp()
    w, h = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = w, h
    theta[:, 0, 2] = (1 - w) * torch.empty(count).uniform_(-1, 1)
    theta[:, 1, 2] = (1 - h) * torch.empty(count).uniform_(-1, 1)
    grid = F.affine_grid(theta, x.shape, align_corners=False)
    x = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    brightness, contrast = config.get("brightness", 0.2), config.get("contrast", 0.4)
    x = (x + torch.empty(count, 1, 1, 1).uniform_(-brightness, brightness)).clamp(0, 1)
    mean = x.mean((1, 2, 3), keepdim=True)
    return (mean + (x - mean) * torch.empty(count, 1, 1, 1).uniform_(1 - contrast, 1 + contrast)).clamp(0, 1)


def nt_xent(projections, temperature):
    """SimCLR's loss; rows 2 b and 2 b + 1 are the views of anchor b."""
    unit = F.normalize(projections, dim=1)
    logits = unit @ unit.t() / temperature
    logits.fill_diagonal_(-1e9)
    return F.cross_entropy(logits, torch.arange(len(unit)) ^ 1)


def truncated_normal(*shape, bound):
    return nn.init.trunc_normal_(torch.empty(*shape), a=-bound, b=bound)


def view_source(recipe, data_dir):
    """A function that gives a batch of views, and the number of channels."""
    source, views = recipe["source"], recipe.get("views", {})
    anchors = recipe.get("train", {}).get("batch", 128)
    if source["kind"] == "real":
        path = pathlib.Path(data_dir) / source["data"] / "train-images-idx3-ubyte.gz"
        raw = gzip.decompress(path.read_bytes())[16:]
        images = torch.frombuffer(bytearray(raw), dtype=torch.uint8).view(-1, 1, 28, 28)
        order = torch.randperm(len(images))
        position = 0

        def real():
            nonlocal position
            chosen = order[torch.arange(position, position + anchors) % len(images)]
            position += anchors
            return (images[chosen].float() / 255).repeat_interleave(2, 0)

        return real, 1
    name = source["generator"]
    path = pathlib.Path(name)
    generator = Generator(path if path.suffix == ".toml" else pathlib.Path("configs/generators") / f"{name}.toml")
    bound, std, kind = views.get("truncation", 2.0), views.get("std", 1.0), views.get("kind", "gaussian")

    @torch.no_grad()
    def generated():
        z = truncated_normal(anchors, generator.dimension, bound=bound)
        y = torch.randint(generator.classes or 1, (anchors,))
        if kind == "same":
            return generator(z, y).repeat_interleave(2, 0)
        z_view = z + std * truncated_normal(anchors, generator.dimension, bound=bound)
        return generator(torch.stack([z, z_view], 1).flatten(0, 1), y.repeat_interleave(2))

    return generated, generator.shape[0]


def pytorch_rate(recipe, data_dir, steps, channels_last):
    """Views per second of the whole step."""
    views, channels = view_source(recipe, data_dir)
    model = Encoder(recipe, channels)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    model = model.to(memory_format=layout)
    settings = {"lr": 0.06, "momentum": 0.9, "weight_decay": 5e-4} | recipe.get("optimizer", {})
    settings.pop("kind", None)
    optimizer = torch.optim.SGD(model.parameters(), **settings)
    temperature = recipe.get("objective", {}).get("temperature", 0.2)

    def step():
        with torch.no_grad():
            x = augment(views(), recipe.get("augment", {})).contiguous(memory_format=layout)
        loss = nt_xent(model(x), temperature)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return len(x)

    for _ in range(3):
        step()
    started = time.perf_counter()
    count = sum(step() for _ in range(steps))
    return count / (time.perf_counter() - started)


def zview_rate(arguments):
    """Views per second of `zview bench`, and its stages."""
    command = [arguments.zview, "bench", arguments.recipe, "--steps", str(arguments.steps)]
    command += ["--device", arguments.device, "--json"]
    if arguments.data_dir:
        command += ["--data-dir", arguments.data_dir]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("--zview", default="target/release/zview", help="the binary")
    parser.add_argument("--device", default="cpu", help="zview's device")
    parser.add_argument("--data-dir", default=os.environ.get("ZVIEW_DATA"))
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="PyTorch's threads")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    recipe = tomllib.loads(pathlib.Path(arguments.recipe).read_text())
    rates = {"PyTorch": [], "PyTorch channels-last": [], "zview": []}
    for _ in range(arguments.rounds):
        rates["PyTorch"].append(pytorch_rate(recipe, arguments.data_dir, arguments.steps, False))
        measured = zview_rate(arguments)
        rates["zview"].append(measured["views_per_second"])
        rates["PyTorch channels-last"].append(pytorch_rate(recipe, arguments.data_dir, arguments.steps, True))
    print(f"{arguments.recipe}, {arguments.rounds} rounds of {arguments.steps} steps, PyTorch {torch.__version__}")
    for name, values in rates.items():
        print(f"{name:<22} {statistics.median(values):8.0f} views/s  ({min(values):.0f} to {max(values):.0f})")
    for name in ("PyTorch", "PyTorch channels-last"):
        ratios = [ours / theirs for ours, theirs in zip(rates["zview"], rates[name])]
        print(f"zview / {name:<22} {statistics.median(ratios):.2f}  ({min(ratios):.2f} to {max(ratios):.2f})")
    stages = ", ".join(f"{name} {value:.1f} ms" for name, value in measured["stages"].items())
    print(f"zview's step: {stages}; views and augmentation {100 * measured['input_share']:.1f} %")


if __name__ == "__main__":
    main()
