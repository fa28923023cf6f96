#!/usr/bin/env python3
"""Fine-tunes a ResNet-18 with layer-wise learning rates in PyTorch and stores what it did.

    python3 scripts/fine_tune_reference.py    # writes crates/probe/tests/golden/fine_tune.safetensors
    python3 scripts/fine_tune_reference.py --width 16 --side 28 --batch 32 --images 256 -o FILE

Needs torch (made with 2.4.1) and safetensors. The network is trained in double precision from the weights `encoder.*`
and a head of zeros, on the images of `batches` (steps, batch) in turn, without augmentation: SGD with momentum 0.9
and weight decay 5e-4, then, from the same start, AdamW with weight decay 0.05 on weights alone. Layer l of 5 (stem,
layer1 to layer4) has the rate lr * 0.7 ** (5 - l), the head lr; lr rises over 4 steps and falls along half a cosine.
The file holds the losses before each update, the peak rates, and the first and last parameters and statistics after the last one.
The images of a class share a pattern, so that there is something to learn.
"""

import argparse
import math
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

OUT = pathlib.Path(__file__).resolve().parent.parent / "crates/probe/tests/golden/fine_tune.safetensors"
DECAY, WARMUP, CLASSES = 0.7, 4, 4
RATES = {"sgd": 0.05, "adamw": 0.003}
KEPT = ["conv1.weight", "bn1.running_var", "layer2.0.downsample.0.weight", "layer4.1.bn2.running_mean"]


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            conv = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm2d(outputs))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(x)) + shortcut)


class ResNet18(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1 = nn.Conv2d(1, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        inputs = width
        for layer in range(4):
            outputs = width << layer
            blocks = [Block(inputs, outputs, 1 if layer == 0 else 2), Block(outputs, outputs, 1)]
            setattr(self, f"layer{layer + 1}", nn.Sequential(*blocks))
            inputs = outputs

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        for layer in range(1, 5):
            x = getattr(self, f"layer{layer}")(x)
        return x.mean((2, 3))


def layer_of(name):
    return int(name[len("layer")]) if name.startswith("layer") else 0


def train(kind, peak, width, start, images, labels, batches):
    encoder = ResNet18(width).to(images.dtype)
    encoder.load_state_dict(start)
    head = nn.Linear(8 * width, CLASSES).to(images.dtype)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    groups = []
    named = [(p, DECAY ** (5 - layer_of(name))) for name, p in encoder.named_parameters()]
    for parameter, scale in named + [(p, 1.0) for p in head.parameters()]:
        if kind == "sgd":
            decay = 5e-4
        else:
            decay = 0.05 if parameter.dim() > 1 else 0.0
        groups.append({"params": [parameter], "lr": 0.0, "scale": scale, "weight_decay": decay})
    optimizer = torch.optim.SGD(groups, momentum=0.9) if kind == "sgd" else torch.optim.AdamW(groups)
    losses = []
    for step, batch in enumerate(batches):
        if step < WARMUP:
            lr = peak * (step + 1) / WARMUP
        else:
            lr = peak * 0.5 * (1 + math.cos(math.pi * (step - WARMUP) / (len(batches) - WARMUP)))
        for group in optimizer.param_groups:
            group["lr"] = lr * group["scale"]
        loss = F.cross_entropy(head(encoder(images[batch])), labels[batch])
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    state = encoder.state_dict()
    result = {f"{kind}/{key}": state[key] for key in KEPT}
    result[f"{kind}/head.weight"] = head.weight.detach()
    result[f"{kind}/losses"] = torch.tensor(losses, dtype=torch.float64)
    result[f"{kind}/peak"] = torch.tensor([peak])
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=2)
    parser.add_argument("--side", type=int, default=12)
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rate-scale", type=float, default=1.0, help="multiplies both peak rates")
    parser.add_argument("-o", "--out", type=pathlib.Path, default=OUT)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    # Rounded to single precision, which is what the file holds.
    encoder = ResNet18(arguments.width)
    start = {key: value.double() if value.is_floating_point() else value for key, value in encoder.state_dict().items()}
    labels = torch.arange(arguments.images) % CLASSES
    patterns = torch.rand(CLASSES, 1, arguments.side, arguments.side)
    noise = torch.rand(arguments.images, 1, arguments.side, arguments.side)
    images = 0.5 * patterns[labels] + 0.5 * noise
    batches = torch.stack([torch.randperm(arguments.images)[: arguments.batch] for _ in range(arguments.steps)])
    tensors = {f"encoder.{key}": value for key, value in encoder.state_dict().items()}
    tensors |= {"images": images, "labels": labels, "batches": batches}
    for kind, rate in RATES.items():
        peak = rate * arguments.rate_scale
        double = train(kind, peak, arguments.width, start, images.double(), labels, batches)
        single = train(kind, peak, arguments.width, start, images, labels, batches)
        losses, other = double[f"{kind}/losses"], single[f"{kind}/losses"]
        print(kind, [round(loss, 4) for loss in losses.tolist()])
        print(f"{kind}: PyTorch in single precision differs by at most {(losses - other).abs().max():.1e}")
        tensors |= double
    tensors = {key: value.float() if value.is_floating_point() else value for key, value in tensors.items()}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    save_file({key: value.contiguous() for key, value in tensors.items()}, arguments.out)
    print(f"{arguments.out}: {arguments.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
