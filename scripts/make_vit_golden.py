#!/usr/bin/env python3
"""Makes the golden files of the Vision Transformer's test with timm, in double precision.

    python3 scripts/make_vit_golden.py        # writes crates/encoder/tests/golden/vit-*.safetensors

Needs torch, timm (made with 1.0.31) and safetensors. Each file holds a random network (keys `model.*`), images `x`,
their features `features`, and the gradients `gradient.*` of sum(features * slopes) for every parameter.
"""

import pathlib

import torch
from safetensors.torch import save_file
from timm.models.vision_transformer import VisionTransformer

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "crates/encoder/tests/golden"
SIZE, PATCH, WIDTH, DEPTH, HEADS, IMAGES = 12, 4, 8, 2, 2, 3


def main():
    FOLDER.mkdir(exist_ok=True)
    for channels in (1, 3):
        for pool in ("token", "avg"):
            torch.manual_seed(channels)
            model = VisionTransformer(
                img_size=SIZE,
                patch_size=PATCH,
                in_chans=channels,
                num_classes=0,
                embed_dim=WIDTH,
                depth=DEPTH,
                num_heads=HEADS,
                global_pool=pool,
                fc_norm=False,
            )
            for tensor in model.parameters():  # every parameter matters, biases and norms too
                tensor.data = (tensor.data + 0.2 * torch.randn_like(tensor)).float()
            weights = {f"model.{key}": tensor.clone() for key, tensor in model.state_dict().items()}
            x = torch.rand(IMAGES, channels, SIZE, SIZE)
            slopes = torch.randn(IMAGES, WIDTH)
            model = model.double().train()
            features = model(x.double())
            (features * slopes.double()).sum().backward()
            golden = {"x": x, "slopes": slopes, "features": features.detach().float()}
            for key, tensor in model.named_parameters():
                golden[f"gradient.{key}"] = tensor.grad.float()
            save_file(weights | golden, FOLDER / f"vit-{pool}-{channels}.safetensors")


if __name__ == "__main__":
    main()
