#!/usr/bin/env python3
"""Encoders between zview and torchvision or timm, in both directions.

    python3 scripts/check_export.py --check FOLDER [--tolerance 1e-4]

takes every NAME.json of the folder, the output of `zview export --json`, and runs the programs that it gives, which build
the model and load the file strictly; then compares the model's features of the images `x` in
NAME-reference.safetensors with zview's own, `features`. Prints the largest difference, relative to the largest feature;
exit code 1 where one is above the tolerance.

    python3 scripts/check_export.py --make FOLDER

writes checkpoints of random torchvision and timm networks with their heads, as people publish them, each with images
and features, for zview to start from.

Needs torch, torchvision, timm, pillow and safetensors. `crates/encoder/tests/export_python.rs` runs both:

    ZVIEW_PYTHON=/path/to/python cargo test --release -p zview-encoder --test export_python -- --nocapture
"""

import argparse
import json
import pathlib
import sys

import torch
from PIL import Image
from safetensors.torch import load_file, save_file


def check(export, tolerance):
    exported = json.loads(export.read_text())
    reference = load_file(export.with_name(f"{export.stem}-reference.safetensors"))
    for program in exported["programs"]:
        name = f"{export.stem} in {program['format']}"
        names = {}
        exec(program["text"], names)  # what people are told to run
        with torch.no_grad():
            pixels = (reference["x"] - exported["pixel_mean"]) / exported["pixel_std"]
            features = names["model"](pixels)
        expected = reference["features"]
        if features.shape != expected.shape:
            sys.exit(f"{name}: features have shape {tuple(features.shape)}, zview's {tuple(expected.shape)}")
        error = ((features - expected).abs().max() / expected.abs().max()).item()
        print(f"{name}: {len(exported['keys'])} tensors loaded strictly, features differ by {error:.1e}")
        if not error <= tolerance:
            sys.exit(f"{name}: more than {tolerance:.0e}")
        check_images(name, export, reference, names, tolerance)


def check_images(name, export, reference, names, tolerance):
    """The function that the program defines, on an image file of the encoder's own size and one of another."""
    pixels = (reference["x"][0] * 255).round().to(torch.uint8)
    image = Image.fromarray(pixels.permute(1, 2, 0).numpy().squeeze())
    file = export.with_suffix(".png")
    image.save(file)
    with torch.no_grad():
        mean, std = json.loads(export.read_text())["pixel_mean"], json.loads(export.read_text())["pixel_std"]
        expected = names["model"]((pixels[None] / 255 - mean) / std)[0]
    exif = Image.Exif()
    exif[0x0112] = 6  # as a camera that was held upright writes it: shown turned clockwise
    turned = export.with_suffix(".turned.png")
    image.transpose(Image.Transpose.ROTATE_90).save(turned, exif=exif)
    for said, of in (("the image file", file), ("the same file, stored turned", turned)):
        error = ((names["features"](of) - expected).abs().max() / expected.abs().max()).item()
        if not error <= tolerance:
            sys.exit(f"{name}: features of {said} differ by {error:.1e}")
    image.resize((image.width + 9, image.height + 30)).save(file)
    if names["features"](file).shape != expected.shape:
        sys.exit(f"{name}: an image of another size has other features")


def make(folder):
    import timm
    import torchvision

    folder = pathlib.Path(folder)
    torch.manual_seed(0)

    def references(name, model, size):
        """Images and pooled features, in evaluation mode."""
        model.eval()
        x = torch.rand(2, 3, size, size)
        with torch.no_grad():
            save_file({"x": x, "features": model(x).contiguous()}, folder / f"{name}-reference.safetensors")

    def train_once(model, size):
        """Moves the running statistics away from 0 and 1."""
        with torch.no_grad():
            model.train()(torch.rand(2, 3, size, size))

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
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", metavar="FOLDER")
    what.add_argument("--make", metavar="FOLDER")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    arguments = parser.parse_args()
    if arguments.make:
        make(arguments.make)
    else:
        exports = sorted(pathlib.Path(arguments.check).glob("*.json"))
        if not exports:
            sys.exit(f"no exports (*.json) in {arguments.check}")
        for export in exports:
            check(export, arguments.tolerance)


if __name__ == "__main__":
    main()
