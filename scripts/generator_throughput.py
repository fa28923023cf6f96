"""Sampling alone, images per second: zview against the same generator in PyTorch, on the CPU.

    python scripts/generator_throughput.py --binary target/release/zview

For each generator: latents, rendering, images on the host. zview (`zview generator inspect --json`) and PyTorch take
turns in one run, and of each turn the fastest batch counts, as what else the machine does slows single batches; the
ratio is the median over the pairs. Before it counts, PyTorch's own version is compared with the reference images beside the weights. PyTorch is given what zview
does when it loads: spectral norms are divided out beforehand.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import time
import tomllib
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

GENERATORS = [
    "configs/generators/mnist-cgan-mlp.toml",
    "configs/generators/mnist-dcgan.toml",
    "configs/generators/faces32-dcgan.toml",
    "configs/generators/parity/dcgan-64.toml",
    "configs/generators/parity/stylegan2-rosinality.toml",
    "configs/generators/parity/biggan-deep.toml",
]


class Sequential(nn.Module):
    """The layers of a manifest as PyTorch's own modules."""

    def __init__(self, manifest, state):
        super().__init__()
        self.steps = []
        for layer in manifest["layers"]:
            kind, key = layer["kind"], layer.get("key")
            if kind == "linear":
                module = nn.Linear(layer["inputs"], layer["outputs"], layer.get("bias", True))
            elif kind in ("conv", "conv-transpose"):
                make = nn.Conv2d if kind == "conv" else nn.ConvTranspose2d
                module = make(layer["in"], layer["out"], layer["kernel"], layer.get("stride", 1),
                              layer.get("padding", 0), bias=layer.get("bias", True))
            elif kind == "batch-norm":
                module = nn.BatchNorm2d(layer["channels"], layer.get("eps", 1e-5))
            elif kind == "condition":
                module = nn.Embedding(manifest["condition"]["classes"], layer["dimension"])
            else:
                module = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}.get(kind, nn.Identity)()
                if kind == "leaky-relu":
                    module = nn.LeakyReLU(layer["slope"])
                if kind == "reshape":
                    module = nn.Unflatten(1, layer["shape"]) if len(layer["shape"]) > 1 else nn.Flatten()
            if key is not None:
                module.load_state_dict({name: state[f"{key}.{name}"] for name in module.state_dict()
                                        if f"{key}.{name}" in state}, strict=False)
            self.steps.append((kind, module.eval()))

    def forward(self, z, y):
        for kind, module in self.steps:
            z = torch.cat([z, module(y)], 1) if kind == "condition" else module(z)
        return z


def dcgan_64(state):
    layers = []
    for block in range(5):
        weight = state[f"main.{3 * block}.weight"]
        stride, padding = (1, 0) if block == 0 else (2, 1)
        layers.append({"kind": "conv-transpose", "key": f"main.{3 * block}", "in": weight.shape[0],
                       "out": weight.shape[1], "kernel": 4, "stride": stride, "padding": padding, "bias": False})
        if block < 4:
            layers.append({"kind": "batch-norm", "key": f"main.{3 * block + 1}", "channels": weight.shape[1]})
            layers.append({"kind": "relu"})
    return [{"kind": "reshape", "shape": [-1, 1, 1]}, *layers, {"kind": "tanh"}]


class StyleGan2(nn.Module):
    """With one kernel for each image, as the paper and its code write it."""

    def __init__(self, state):
        super().__init__()
        self.state = state
        self.layers = sum(key.startswith("style.") and key.endswith("weight") for key in state)
        self.sizes = sum(key.startswith("to_rgbs.") and key.endswith("conv.weight") for key in state)

    def modulated(self, x, w, key, demodulate, up):
        s = self.state
        weight, affine = s[f"{key}.weight"], s[f"{key}.modulation.weight"]
        style = F.linear(w, affine / math.sqrt(affine.shape[1]), s[f"{key}.modulation.bias"])
        _, o, i, k, _ = weight.shape
        weight = weight / math.sqrt(i * k * k) * style[:, None, :, None, None]
        if demodulate:
            weight = weight * torch.rsqrt(weight.square().sum([2, 3, 4], keepdim=True) + 1e-8)
        batch, _, height, width = x.shape
        x = x.reshape(1, batch * i, height, width)
        if up:
            weight = weight.transpose(1, 2).reshape(batch * i, o, k, k)
            x = F.conv_transpose2d(x, weight, stride=2, groups=batch)
            x = x.reshape(batch * o, 1, 2 * height + 1, 2 * width + 1)
            return F.conv2d(x, s[f"{key}.blur.kernel"][None, None], padding=1).reshape(
                batch, o, 2 * height, 2 * width)
        x = F.conv2d(x, weight.reshape(batch * o, i, k, k), padding=k // 2, groups=batch)
        return x.reshape(batch, o, height, width)

    def styled(self, x, w, key, noise, up=False):
        s = self.state
        x = self.modulated(x, w, f"{key}.conv", True, up)
        x = x + s[f"{key}.noise.weight"] * s[f"noises.noise_{noise}"]
        return F.leaky_relu(x + s[f"{key}.activate.bias"][None, :, None, None], 0.2) * math.sqrt(2)

    def to_rgb(self, x, w, key, skip=None):
        s = self.state
        rgb = self.modulated(x, w, f"{key}.conv", False, False) + s[f"{key}.bias"]
        if skip is None:
            return rgb
        batch, colors, height, width = skip.shape
        skip = F.conv_transpose2d(skip.reshape(-1, 1, height, width), s[f"{key}.upsample.kernel"][None, None],
                                  stride=2, padding=1)
        return rgb + skip.reshape(batch, colors, 2 * height, 2 * width)

    def forward(self, z, _):
        s = self.state
        w = z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)
        for layer in range(1, self.layers + 1):
            weight = s[f"style.{layer}.weight"]
            w = F.linear(w, weight * (0.01 / math.sqrt(weight.shape[1])), 0.01 * s[f"style.{layer}.bias"])
            w = F.leaky_relu(w, 0.2) * math.sqrt(2)
        x = self.styled(s["input.input"].expand(len(z), -1, -1, -1), w, "conv1", 0)
        rgb = self.to_rgb(x, w, "to_rgb1")
        for size in range(self.sizes):
            x = self.styled(x, w, f"convs.{2 * size}", 2 * size + 1, True)
            x = self.styled(x, w, f"convs.{2 * size + 1}", 2 * size + 2)
            rgb = self.to_rgb(x, w, f"to_rgbs.{size}", rgb)
        return rgb


class BigGanDeep(nn.Module):
    """At one truncation that has statistics of its own, as 0.4 and 1 have."""

    def __init__(self, state, truncation):
        super().__init__()
        self.row, self.truncation = round(truncation * 50), truncation
        self.state = {}
        for key, value in state.items():
            if key.endswith(".weight_orig"):
                base = key.removesuffix("_orig")
                sigma = state[f"{base}_u"] @ (value.flatten(1) @ state[f"{base}_v"])
                self.state[base] = value / sigma
            elif not key.endswith(("_u", "_v")):
                self.state[key] = value
        self.layers = 1 + max(int(key.split(".")[2]) for key in state if key.startswith("generator.layers."))

    def norm(self, x, c, key):
        s = self.state
        mean = s[f"{key}.running_means"][self.row][None, :, None, None]
        variance = s[f"{key}.running_vars"][self.row][None, :, None, None]
        scale = 1 + F.linear(c, s[f"{key}.scale.weight"])[:, :, None, None]
        offset = F.linear(c, s[f"{key}.offset.weight"])[:, :, None, None]
        return F.relu((x - mean) / torch.sqrt(variance + 1e-4) * scale + offset)

    def conv(self, x, key):
        weight = self.state[f"{key}.weight"]
        return F.conv2d(x, weight, self.state.get(f"{key}.bias"), padding=weight.shape[2] // 2)

    def attention(self, x, key):
        batch, channels, height, width = x.shape
        theta = self.conv(x, f"{key}.snconv1x1_theta").flatten(2)
        phi = F.max_pool2d(self.conv(x, f"{key}.snconv1x1_phi"), 2).flatten(2)
        g = F.max_pool2d(self.conv(x, f"{key}.snconv1x1_g"), 2).flatten(2)
        weights = torch.softmax(theta.transpose(1, 2) @ phi, -1)
        attended = (g @ weights.transpose(1, 2)).reshape(batch, channels // 2, height, width)
        return x + self.state[f"{key}.gamma"] * self.conv(attended, f"{key}.snconv1x1_o_conv")

    def block(self, x, c, key, grows):
        h = self.conv(self.norm(x, c, f"{key}.bn_0"), f"{key}.conv_0")
        h = self.norm(h, c, f"{key}.bn_1")
        if grows:
            h = F.interpolate(h, scale_factor=2)
        h = self.conv(h, f"{key}.conv_1")
        h = self.conv(self.norm(h, c, f"{key}.bn_2"), f"{key}.conv_2")
        h = self.conv(self.norm(h, c, f"{key}.bn_3"), f"{key}.conv_3")
        x = x[:, :h.shape[1]]
        return h + (F.interpolate(x, scale_factor=2) if grows else x)

    def forward(self, z, y):
        s = self.state
        c = torch.cat([z * self.truncation, s["embeddings.weight"].T[y]], 1)
        x = F.linear(c, s["generator.gen_z.weight"], s["generator.gen_z.bias"])
        x = x.reshape(len(z), 4, 4, -1).permute(0, 3, 1, 2).contiguous()
        grows = False
        for layer in range(self.layers):
            key = f"generator.layers.{layer}"
            if f"{key}.gamma" in s:
                x = self.attention(x, key)
            else:
                x = self.block(x, c, key, grows)
                grows = not grows
        key = "generator.bn"
        x = F.batch_norm(x, s[f"{key}.running_means"][self.row], s[f"{key}.running_vars"][self.row],
                         s[f"{key}.weight"], s[f"{key}.bias"], eps=1e-4)
        return torch.tanh(self.conv(F.relu(x), "generator.conv_to_rgb")[:, :3])


def build(manifest, weights):
    state = torch.load(weights, map_location="cpu", weights_only=True)
    if manifest.get("state_dict"):
        state = state[manifest["state_dict"]]
    architecture = manifest["architecture"]
    if architecture == "stylegan2":
        return StyleGan2(state)
    if architecture == "biggan-deep":
        return BigGanDeep(state, manifest["options"]["truncation"])
    if architecture == "dcgan-64":
        manifest = {**manifest, "layers": dcgan_64(state)}
    return Sequential(manifest, state)


def difference(network, manifest, weights):
    """The largest difference from the reference images."""
    reference = load_file(weights.with_name("reference.safetensors"))
    suffix = f"_t{manifest['options']['truncation']}" if manifest["architecture"] == "biggan-deep" else ""
    z, y = reference[f"z{suffix}"].flatten(1), reference.get(f"y{suffix}")
    if suffix:
        z = z / manifest["options"]["truncation"]
    images = reference[f"image{suffix}"] if f"image{suffix}" in reference else reference["x"]
    with torch.inference_mode():
        return (network(z, y) - images).abs().max().item()


def pytorch_rate(network, manifest, batch, seconds):
    dimension, classes = manifest["latent"]["dimension"], manifest.get("condition", {}).get("classes")
    rates = []
    with torch.inference_mode():
        started = time.perf_counter()
        while len(rates) < 4 or time.perf_counter() - started < seconds:
            begun = time.perf_counter()
            z = torch.nn.init.trunc_normal_(torch.empty(batch, dimension))
            y = torch.arange(batch) % classes if classes else None
            low, high = manifest["output"]["range"]
            ((network(z, y) - low) / (high - low)).clamp(0, 1).numpy()
            rates.append(batch / (time.perf_counter() - begun))
    return max(rates[1:])


def zview_rate(binary, path, batch, seconds):
    command = [binary, "generator", "inspect", path, "--json", "--device", "cpu"]
    command += ["--batch", str(batch), "--seconds", str(seconds)]
    environment = {**os.environ, "RAYON_NUM_THREADS": str(torch.get_num_threads())}
    shown = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return json.loads(shown.stdout)["throughput"]["fastest"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("generators", nargs="*", default=GENERATORS, help="manifests")
    parser.add_argument("--binary", default="target/release/zview")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="for each measurement")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--large-batch", type=int, default=8, help="for images of 128 pixels and more")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of both")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads, {options.pairs} pairs\n")
    print("| generator | image | batch | zview images/s | PyTorch images/s | ratio | range | difference |")
    print("|---|---|---|---|---|---|---|---|")
    for path in options.generators:
        manifest = tomllib.loads(Path(path).read_text())
        weights = Path(path).parent / manifest["weights"]
        network = build(manifest, weights)
        away = difference(network, manifest, weights)
        if away > 1e-3:
            raise SystemExit(f"{path}: PyTorch's version differs from the reference by {away}")
        output = manifest["output"]
        batch = options.batch if output["height"] < 128 else options.large_batch
        pairs = []
        for pair in range(options.pairs):
            turns = [lambda: zview_rate(options.binary, path, batch, options.seconds),
                     lambda: pytorch_rate(network, manifest, batch, options.seconds)]
            order = [0, 1] if pair % 2 == 0 else [1, 0]
            rates = {turn: turns[turn]() for turn in order}
            pairs.append((rates[0], rates[1]))
        ratios = sorted(zview / pytorch for zview, pytorch in pairs)
        zview, pytorch = (statistics.median(column) for column in zip(*pairs))
        image = f"{output['channels']}x{output['height']}x{output['width']}"
        print(f"| {manifest['name']} | {image} | {batch} | {zview:.0f} | {pytorch:.0f} | "
              f"{statistics.median(ratios):.2f} | {ratios[0]:.2f} to {ratios[-1]:.2f} | {away:.0e} |", flush=True)


if __name__ == "__main__":
    main()
