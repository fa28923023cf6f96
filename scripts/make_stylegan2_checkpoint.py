"""A tiny file of the kind that rosinality/stylegan2-pytorch writes while it trains: crates/generator/tests/golden/.

Beside `g_ema` it holds the generator and discriminator in training, two optimizers and a pickled
argparse.Namespace. Sizes: 8 x 8 pixels, 4 channels, style dimension 4, two mapping layers; random weights.

    python scripts/make_stylegan2_checkpoint.py crates/generator/tests/golden/stylegan2-training.pt
"""

import argparse
import sys
from collections import OrderedDict

import torch


def styled(state, key, style, inputs, outputs, up):
    state[f"{key}.conv.weight"] = torch.randn(1, outputs, inputs, 3, 3)
    if up:
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
        state[f"{key}.conv.blur.kernel"] = torch.outer(taps, taps) / 16
    state[f"{key}.conv.modulation.weight"] = torch.randn(inputs, style)
    state[f"{key}.conv.modulation.bias"] = torch.ones(inputs)
    state[f"{key}.noise.weight"] = 0.1 * torch.randn(1)
    state[f"{key}.activate.bias"] = 0.1 * torch.randn(outputs)


def to_rgb(state, key, style, inputs, up):
    state[f"{key}.bias"] = 0.1 * torch.randn(1, 3, 1, 1)
    if up:
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
        state[f"{key}.upsample.kernel"] = torch.outer(taps, taps) / 16
    state[f"{key}.conv.weight"] = torch.randn(1, 3, inputs, 1, 1)
    state[f"{key}.conv.modulation.weight"] = torch.randn(inputs, style)
    state[f"{key}.conv.modulation.bias"] = torch.ones(inputs)


def main():
    torch.manual_seed(0)
    width = 4
    state = OrderedDict()
    for index in (1, 2):
        state[f"style.{index}.weight"] = 100 * torch.randn(width, width)
        state[f"style.{index}.bias"] = torch.zeros(width)
    state["input.input"] = torch.randn(1, width, 4, 4)
    styled(state, "conv1", width, width, width, False)
    to_rgb(state, "to_rgb1", width, width, False)
    styled(state, "convs.0", width, width, width, True)
    styled(state, "convs.1", width, width, width, False)
    to_rgb(state, "to_rgbs.0", width, width, True)
    for index, side in enumerate([4, 8, 8]):
        state[f"noises.noise_{index}"] = torch.randn(1, 1, side, side)

    layer = torch.nn.Linear(2, 2)
    optimizer = torch.optim.Adam(layer.parameters())
    layer(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    arguments = argparse.Namespace(path="data", arch="stylegan2", iter=800000, r1=10.0, wandb=False, ckpt=None)
    torch.save(
        {
            # Another network than its average, as in training.
            "g": OrderedDict((key, value.clone()) for key, value in state.items()),
            "d": OrderedDict(weight=torch.ones(2)),
            "g_ema": state,
            "g_optim": optimizer.state_dict(),
            "d_optim": optimizer.state_dict(),
            "args": arguments,
            "ada_aug_p": 0.0,
        },
        sys.argv[1],
    )


if __name__ == "__main__":
    main()
