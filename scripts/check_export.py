#!/usr/bin/env python3
"""Encoders between zview and torchvision or timm, in both directions.

    python3 scripts/check_export.py EXPORT.json REFERENCE.safetensors [--tolerance 1e-4]

runs the lines that `zview export --json` gives (`load`), which build the model and load the file strictly, and compares
the model's features of the images `x` in the reference with zview's own, `features`. Prints the largest difference,
relative to the largest feature; exit code 1 where it is above the tolerance.

    python3 scripts/check_export.py --make FOLDER

writes checkpoints of random torchvision and timm networks with their heads, as people publish them, each with images
and features, for zview to start from.

Needs torch, torchvision, timm and safetensors. `crates/contrastive/tests/export_python.rs` runs both:

    ZVIEW_PYTHON=/path/to/python cargo test --release -p zview-contrastive --test export_python -- --nocapture
"""

import argparse
import json
import pathlib
import sys

import torch
from safetensors.torch import load_file, save_file


def check(export, reference, tolerance):
    exported = json.loads(pathlib.Path(export).read_text())
    names = {"path": exported["file"]}
    exec(exported["load"], names)  # what people are told to run
    reference = load_file(reference)
    with torch.no_grad():
        pixels = (reference["x"] - exported["pixel_mean"]) / exported["pixel_std"]
        features = names["model"](pixels)
    expected = reference["features"]
    if features.shape != expected.shape:
        sys.exit(f"features have shape {tuple(features.shape)}, zview's {tuple(expected.shape)}")
    error = ((features - expected).abs().max() / expected.abs().max()).item()
    print(f"{exported['arch']}: {len(exported['keys'])} tensors loaded strictly, features differ by {error:.1e}")
    if not error <= tolerance:
        sys.exit(f"more than {tolerance:.0e}")


def make(folder):
    import timm
    import torchvision

    folder = pathlib.Path(folder)
    torch.manual_seed(0)

    def references(name, model, size):
        """Images and pooled features, in evaluation mode."""
        model.eval()
        x = torch.rand(4, 3, size, size)
        with torch.no_grad():
            save_file({"x": x, "features": model(x).contiguous()}, folder / f"{name}-reference.safetensors")

    def train_once(model, size):
        """Moves the running statistics away from 0 and 1."""
        with torch.no_grad():
            model.train()(torch.rand(4, 3, size, size))

    for name in ("resnet18", "resnet50"):
        model = getattr(torchvision.models, name)()
        train_once(model, 64)
        torch.save({"epoch": 3, "state_dict": model.state_dict()}, folder / f"{name}.pth")
        model.fc = torch.nn.Identity()
        references(name, model, 64)
    model = timm.create_model("vit_tiny_patch16_224", img_size=64)
    save_file(model.state_dict(), folder / "vit.safetensors")
    model.reset_classifier(0)
    references("vit", model, 64)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("export", nargs="?")
    parser.add_argument("reference", nargs="?")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    parser.add_argument("--make", metavar="FOLDER")
    arguments = parser.parse_args()
    if arguments.make:
        make(arguments.make)
    elif arguments.export and arguments.reference:
        check(arguments.export, arguments.reference, arguments.tolerance)
    else:
        parser.error("name EXPORT.json and REFERENCE.safetensors, or --make FOLDER")


if __name__ == "__main__":
    main()
