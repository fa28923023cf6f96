#!/usr/bin/env python3
"""Makes the golden files of weights in parts: what torch.nn.utils leaves in a state dict, and the weight of eval mode.

    python scripts/make_weight_parts.py crates/network/tests/golden

Written with torch 2.4.1: `parts.pth` is the state dict, `whole.pth` each layer's weight.
"""

import pathlib
import sys
import warnings

import torch
from torch import nn
from torch.nn.utils import parametrizations, prune, spectral_norm, weight_norm

warnings.filterwarnings("ignore")
out = pathlib.Path(sys.argv[1])
torch.manual_seed(0)
inputs = {1: torch.randn(3, 4), 4: torch.randn(2, 4, 5, 5)}


class Layers(nn.Module):
    pass


layers = Layers()


def add(name, layer, dimensions=4, steps=3):
    """The layer after some steps of training: with a step between the last vectors and the weight."""
    optimizer = torch.optim.SGD(layer.parameters(), 0.05)
    for _ in range(steps):
        layer(inputs[dimensions]).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    layers.add_module(name, layer)


for suffix, norm in (("", spectral_norm), ("_new", parametrizations.spectral_norm)):
    add("conv" + suffix, norm(nn.Conv2d(4, 5, 3)))
    add("transposed" + suffix, norm(nn.ConvTranspose2d(4, 3, 3)))
    add("square" + suffix, norm(nn.Conv2d(4, 4, 3)))
    add("square_transposed" + suffix, norm(nn.ConvTranspose2d(4, 4, 3)))
    add("linear" + suffix, norm(nn.Linear(4, 3)), 1)
# No step: the vectors are random still, and only the kind of the layer tells which axis is which.
add("untrained", spectral_norm(nn.ConvTranspose2d(4, 4, 3)), steps=0)
add("untrained_conv", spectral_norm(nn.Conv2d(4, 4, 3)), steps=0)
for suffix, norm in (("", weight_norm), ("_new", parametrizations.weight_norm)):
    add("norm" + suffix, norm(nn.Conv2d(4, 5, 3)))
    add("norm_columns" + suffix, norm(nn.ConvTranspose2d(4, 3, 3), dim=1))
    add("norm_all" + suffix, norm(nn.Linear(4, 3), dim=None), 1)
add("pruned", prune.random_unstructured(nn.Linear(4, 3), "weight", 0.5), 1)

layers.eval()
parts = layers.state_dict()
whole = {}
with torch.no_grad():
    for name, layer in layers.named_children():
        layer(inputs[1 if isinstance(layer, nn.Linear) else 4])  # old hooks set the weight
        whole[f"{name}.weight"] = layer.weight.detach().clone()
# Before 0.4 the second vector was not kept: that of a power step stands for it.
original, u = parts["conv.weight_orig"], parts["conv.weight_u"]
parts["old.weight_orig"], parts["old.weight_u"] = original, u
matrix = original.flatten(1)
v = nn.functional.normalize(matrix.t() @ u, dim=0)
whole["old.weight"] = original / (u @ (matrix @ v))
torch.save(parts, out / "parts.pth")
torch.save(whole, out / "whole.pth")
