#!/usr/bin/env python3
"""Runs the step of a recipe in PyTorch and in zview, in turn, and prints the rates and their ratios.

    python3 scripts/pytorch_baseline.py configs/mnist-synthetic-gaussian-1.0.toml [--rounds 3]
    python3 scripts/pytorch_baseline.py configs/bench/resnet18-32.toml --device auto --torch-device cuda

Needs torch (any 2.x; measured with 2.4.1) beside the zview binary. The PyTorch step is the same work:
views from the generator, resized crop, brightness and contrast with parameters of its own per image,
ResNet, projector, NT-Xent, SGD, all on the device. `--modes` says in which arithmetic:

    f32                 float32, TF32 off
    f32-channels-last   the same in the channels-last memory layout
    tf32-channels-last  TF32 in products and convolutions (CUDA)
    bf16-channels-last  autocast to bfloat16 (CUDA, CPU)
    f16-channels-last   autocast to float16 with loss scaling (CUDA, Apple GPUs with torch 2.5 or newer)
    usual               what people run without a generator on the device: a folder of PNG files (samples of
                        the recipe's generator, or --images DIR), a DataLoader with a worker per core that
                        decodes with PIL and augments (torchvision if it is installed, else PIL), two views
                        per image, then the same step in the device's fastest arithmetic of this list

The default is all that the device has; on the CPU, `f32`, `f32-channels-last` and `usual`. Machines drift,
so only the ratios within one run mean something: each round measures everything once, and medians are
compared. Nothing is downloaded.

Covers recipes whose source is a sequential generator, or real IDX images.
"""

import argparse
import contextlib
import gzip
import json
import math
import os
import pathlib
import random
import statistics
import subprocess
import tempfile
import time

try:
    import tomllib
except ModuleNotFoundError:  # Python before 3.11
    from pip._vendor import tomli as tomllib

import torch
import torch.nn.functional as F
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parent.parent
ACTIVATIONS = {
    "relu": lambda layer: nn.ReLU(),
    "leaky-relu": lambda layer: nn.LeakyReLU(layer.get("slope", 0.01)),
    "tanh": lambda layer: nn.Tanh(),
    "sigmoid": lambda layer: nn.Sigmoid(),
    "upsample-nearest": lambda layer: nn.Upsample(scale_factor=layer["factor"]),
    "reshape": lambda layer: nn.Unflatten(1, layer["shape"]) if len(layer["shape"]) > 1 else nn.Flatten(),
}


def read_safetensors(path):
    """The float32 tensors of a safetensors file, without the package."""
    raw = pathlib.Path(path).read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header, body = json.loads(raw[8 : 8 + length]), bytearray(raw[8 + length :])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        if entry["dtype"] != "F32":
            continue  # batch norms count their batches in I64; a missing weight is an error where it is used
        first, last = entry["data_offsets"]
        values = torch.frombuffer(body, dtype=torch.float32, count=(last - first) // 4, offset=first)
        tensors[name] = values.reshape(entry["shape"]).clone()
    return tensors


class Generator(nn.Module):
    """A sequential generator, from its manifest."""

    def __init__(self, name):
        super().__init__()
        candidates = [
            pathlib.Path(name),
            ROOT / "assets/generators" / name / "generator.toml",
            ROOT / "configs/generators" / f"{name}.toml",
        ]
        found = [path for path in candidates if path.is_file()]
        if not found:
            raise SystemExit(f"{name}: no manifest of that name")
        manifest = tomllib.loads(found[0].read_text())
        self.dimension = manifest["latent"]["dimension"]
        self.classes = manifest.get("condition", {}).get("classes")
        output = manifest["output"]
        self.shape = (output["channels"], output["height"], output["width"])
        self.low, self.high = output["range"]
        weights = found[0].parent / manifest["weights"]
        if weights.suffix == ".safetensors":
            state = read_safetensors(weights)
        else:
            state = torch.load(weights, map_location="cpu", weights_only=True)
        state = state.get(manifest.get("state_dict"), state)
        layers, self.embedding = [], None
        for layer in manifest["layers"]:
            if layer["kind"] == "condition":
                self.embedding = nn.Parameter(state[layer["key"] + ".weight"])
            else:
                layers.append(self.layer(layer, state, found[0]))
        self.layers = nn.Sequential(*layers)
        self.eval().requires_grad_(False)

    @staticmethod
    def layer(layer, state, path):
        kind = layer["kind"]
        if kind in ACTIVATIONS:
            return ACTIVATIONS[kind](layer)
        size = {"stride": layer.get("stride", 1), "padding": layer.get("padding", 0), "bias": layer.get("bias", True)}
        if kind == "linear":
            module = nn.Linear(layer["inputs"], layer["outputs"], bias=layer.get("bias", True))
        elif kind == "conv":
            module = nn.Conv2d(layer["in"], layer["out"], layer["kernel"], **size)
        elif kind == "conv-transpose":
            extra = layer.get("output_padding", 0)
            module = nn.ConvTranspose2d(layer["in"], layer["out"], layer["kernel"], output_padding=extra, **size)
        elif kind == "batch-norm":
            module = nn.BatchNorm2d(layer["channels"], eps=layer.get("eps", 1e-5))
        else:
            raise SystemExit(f"{path}: layer kind {kind} is not covered by this script")
        wanted = [name for name in module.state_dict() if not name.endswith("num_batches_tracked")]
        module.load_state_dict({name: state[f"{layer['key']}.{name}"] for name in wanted}, strict=False)
        return module

    def forward(self, z, y):
        if self.embedding is not None:
            z = torch.cat([z, self.embedding[y]], 1)
        x = self.layers(z).view(-1, *self.shape).float()
        return ((x - self.low) / (self.high - self.low)).clamp(0, 1)


class Block(nn.Module):
    """A residual block of `plan`: (output channels, kernel, stride) of each convolution."""

    def __init__(self, channels_in, plan):
        super().__init__()
        self.chain, channels, stride = nn.ModuleList(), channels_in, 1
        for channels_out, kernel, step in plan:
            self.chain.append(nn.Conv2d(channels, channels_out, kernel, step, kernel // 2, bias=False))
            self.chain.append(nn.BatchNorm2d(channels_out))
            channels, stride = channels_out, stride * step
        self.downsample = None
        if stride != 1 or channels_in != channels:
            shortcut = nn.Conv2d(channels_in, channels, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(channels))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        for index in range(0, len(self.chain), 2):
            x = self.chain[index + 1](self.chain[index](x))
            x = F.relu(x + shortcut if index + 2 == len(self.chain) else x)
        return x


class Encoder(nn.Module):
    """ResNet-18, -34 or -50, and its projector."""

    def __init__(self, recipe, channels):
        super().__init__()
        encoder = {"arch": "resnet18", "width": 64, "stem": "small"} | recipe.get("encoder", {})
        blocks = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3), "resnet50": (3, 4, 6, 3)}[encoder["arch"]]
        width = encoder["width"]
        self.mean, self.std = encoder.get("pixel_mean", 0.5), encoder.get("pixel_std", 0.5)
        small = encoder["stem"] == "small"
        stem = nn.Conv2d(channels, width, 3, 1, 1, bias=False) if small else nn.Conv2d(channels, width, 7, 2, 3, bias=False)
        layers = [stem, nn.BatchNorm2d(width), nn.ReLU()] + ([] if small else [nn.MaxPool2d(3, 2, 1)])
        channels = width
        for stage, count in enumerate(blocks):
            for index in range(count):
                inner, stride = width << stage, 2 if index == 0 and stage > 0 else 1
                plan = [(inner, 3, stride), (inner, 3, 1)]
                if encoder["arch"] == "resnet50":
                    plan = [(inner, 1, 1), (inner, 3, stride), (4 * inner, 1, 1)]
                layers.append(Block(channels, plan))
                channels = plan[-1][0]
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
    count, channels, height, width = x.shape
    uniform = lambda low, high, *shape: torch.empty(count, *shape, device=x.device).uniform_(low, high)
    low, high = config.get("crop_scale", [0.3, 1.0])
    ratio_low, ratio_high = config.get("crop_ratio", [3 / 4, 4 / 3])
    area, ratio = uniform(low, high), uniform(math.log(ratio_low), math.log(ratio_high)).exp()
    w, h = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    theta = torch.zeros(count, 2, 3, device=x.device)
    theta[:, 0, 0], theta[:, 1, 1] = w, h
    theta[:, 0, 2], theta[:, 1, 2] = (1 - w) * uniform(-1, 1), (1 - h) * uniform(-1, 1)
    size = (config.get("size", height), config.get("size", width))
    grid = F.affine_grid(theta, (count, channels, *size), align_corners=False)
    x = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    brightness, contrast = config.get("brightness", 0.2), config.get("contrast", 0.4)
    x = (x + uniform(-brightness, brightness, 1, 1, 1)).clamp(0, 1)
    mean = x.mean((1, 2, 3), keepdim=True)
    return (mean + (x - mean) * uniform(1 - contrast, 1 + contrast, 1, 1, 1)).clamp(0, 1)


def nt_xent(projections, temperature):
    """SimCLR's loss; rows 2 b and 2 b + 1 are the views of anchor b."""
    unit = F.normalize(projections, dim=1)
    logits = unit @ unit.t() / temperature
    logits.fill_diagonal_(-1e9)
    return F.cross_entropy(logits, torch.arange(len(unit), device=unit.device) ^ 1)


def on_device_views(recipe, data_dir, device):
    """A function that gives a batch of augmented views on `device`, and the number of channels."""
    source, views, tx = recipe["source"], recipe.get("views", {}), recipe.get("augment", {})
    anchors = recipe.get("train", {}).get("batch", 128)
    if source["kind"] == "real":
        folder = ROOT / "assets/glyphs" if source["data"] == "glyphs" else pathlib.Path(data_dir or ".") / source["data"]
        raw = gzip.decompress((folder / "train-images-idx3-ubyte.gz").read_bytes())
        height, width = int.from_bytes(raw[8:12], "big"), int.from_bytes(raw[12:16], "big")
        images = torch.frombuffer(bytearray(raw[16:]), dtype=torch.uint8).view(-1, 1, height, width)
        order, position = torch.randperm(len(images)), 0

        def real():
            nonlocal position
            chosen = order[torch.arange(position, position + anchors) % len(images)]
            position += anchors
            return augment((images[chosen].to(device).float() / 255).repeat_interleave(2, 0), tx)

        return real, 1
    if source["kind"] != "generator":
        raise SystemExit(f"source.kind = {source['kind']} is not covered by this script")
    generator = Generator(source["generator"]).to(device)
    bound, std, kind = views.get("truncation", 2.0), views.get("std", 1.0), views.get("kind", "gaussian")
    latents = lambda: nn.init.trunc_normal_(torch.empty(anchors, generator.dimension, device=device), a=-bound, b=bound)

    def generated():
        z = latents()
        y = torch.randint(generator.classes or 1, (anchors,), device=device)
        if kind == "same":
            return augment(generator(z, y).repeat_interleave(2, 0), tx)
        z_view = z + std * latents()
        return augment(generator(torch.stack([z, z_view], 1).flatten(0, 1), y.repeat_interleave(2)), tx)

    return generated, generator.shape[0]


class Folder(torch.utils.data.Dataset):
    """Two augmented views (2, C, H, W) of each image file, as the usual pipelines make them."""

    def __init__(self, paths, config, channels, size):
        self.paths, self.mode, self.size = paths, "L" if channels == 1 else "RGB", size
        self.scale = tuple(config.get("crop_scale", [0.3, 1.0]))
        self.ratio = tuple(config.get("crop_ratio", [3 / 4, 4 / 3]))
        self.brightness, self.contrast = config.get("brightness", 0.2), config.get("contrast", 0.4)
        self.transform = torchvision_transform(self) or self.pil_transform

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        from PIL import Image

        with Image.open(self.paths[index]) as file:
            image = file.convert(self.mode)
        return torch.stack([self.transform(image), self.transform(image)])

    def pil_transform(self, image):
        from PIL import Image, ImageEnhance

        width, height = image.size
        area, ratio = random.uniform(*self.scale), math.exp(random.uniform(*map(math.log, self.ratio)))
        w = min(width, math.sqrt(area * width * height * ratio))
        h = min(height, math.sqrt(area * width * height / ratio))
        left, top = random.uniform(0, width - w), random.uniform(0, height - h)
        image = image.resize((self.size, self.size), Image.BILINEAR, (left, top, left + w, top + h))
        image = ImageEnhance.Brightness(image).enhance(random.uniform(1 - self.brightness, 1 + self.brightness))
        image = ImageEnhance.Contrast(image).enhance(random.uniform(1 - self.contrast, 1 + self.contrast))
        pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
        return pixels.view(self.size, self.size, -1).permute(2, 0, 1).float() / 255


def torchvision_transform(folder):
    """The same written with torchvision, or None where it is not installed."""
    try:
        from torchvision import transforms
    except ImportError:
        return None
    return transforms.Compose([
        transforms.RandomResizedCrop(folder.size, folder.scale, folder.ratio),
        transforms.ColorJitter(folder.brightness, folder.contrast),
        transforms.ToTensor(),
    ])


def folder_views(recipe, paths, device, workers):
    """As `on_device_views`, from image files through a DataLoader."""
    from PIL import Image

    with Image.open(paths[0]) as first:
        channels, own_size = (1 if first.mode in ("1", "L") else 3), first.height
    config, anchors = recipe.get("augment", {}), recipe.get("train", {}).get("batch", 128)
    folder = Folder(paths * math.ceil(anchors / len(paths)), config, channels, config.get("size", own_size))
    loader = torch.utils.data.DataLoader(
        folder, anchors, shuffle=True, drop_last=True, num_workers=workers, persistent_workers=workers > 0,
        pin_memory=device == "cuda",
    )

    def batches():
        while True:
            yield from loader

    stream = batches()
    return lambda: next(stream).flatten(0, 1).to(device, non_blocking=True), channels


def synchronise(device):
    if device == "cuda":
        torch.cuda.synchronize()
    elif device == "mps":
        torch.mps.synchronize()


def pytorch_rate(recipe, views, channels, mode, arguments, warmup=3):
    """Views per second of the whole step in `mode`."""
    device, arithmetic = arguments.torch_device, mode.split("-")[0]
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = arithmetic != "f32"
    torch.backends.cudnn.benchmark = True
    layout = torch.channels_last if mode.endswith("channels-last") else torch.contiguous_format
    model = Encoder(recipe, channels).to(device).to(memory_format=layout)
    settings = {"lr": 0.06, "momentum": 0.9, "weight_decay": 5e-4} | recipe.get("optimizer", {})
    settings.pop("kind", None)
    optimizer = torch.optim.SGD(model.parameters(), **settings)
    temperature = recipe.get("objective", {}).get("temperature", 0.2)
    narrow = {"bf16": torch.bfloat16, "f16": torch.float16}.get(arithmetic)
    autocast = lambda: torch.autocast(device, dtype=narrow) if narrow else contextlib.nullcontext()
    scaler = torch.cuda.amp.GradScaler() if narrow == torch.float16 and device == "cuda" else None

    def step():
        with torch.no_grad(), autocast():
            x = views().contiguous(memory_format=layout)
        with autocast():
            projections = model(x)
        loss = nt_xent(projections.float(), temperature)
        optimizer.zero_grad(set_to_none=True)
        if scaler is None:
            loss.backward()
            optimizer.step()
        else:
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
        return len(x)

    for _ in range(warmup):
        step()
    synchronise(device)
    started = time.perf_counter()
    count = sum(step() for _ in range(arguments.steps))
    synchronise(device)
    return count / (time.perf_counter() - started)


def zview(arguments, *command):
    """What a zview command prints on stdout, parsed."""
    command = [arguments.zview, *map(str, command), "--device", arguments.device, "--json"]
    if arguments.data_dir:
        command += ["--data-dir", arguments.data_dir]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def zview_bench(arguments):
    sets = [part for setting in arguments.sets for part in ("--set", setting)]
    return zview(arguments, "bench", arguments.recipe, "--steps", arguments.steps, *sets)


def image_files(recipe, arguments, folder):
    """The files of --images, or samples of the recipe's generator written to `folder`."""
    if arguments.images is None:
        source = recipe["source"]
        if source["kind"] != "generator":
            raise SystemExit("`usual` needs --images DIR for a recipe without a generator")
        name, count = source["generator"], arguments.image_count
        sample = ["sample", "--generator", name, "--anchors", count, "--per-anchor", 1, "--kind", "same"]
        if "weights" in source:
            sample += ["--weights", source["weights"]]
        zview(arguments, *sample, "--out", f"{folder}/")
    else:
        folder = arguments.images
    suffixes = {".png", ".jpg", ".jpeg"}
    paths = sorted(path for path in pathlib.Path(folder).rglob("*") if path.suffix.lower() in suffixes)
    if not paths:
        raise SystemExit(f"{folder}: no PNG or JPEG files")
    return paths


def modes_of(device):
    """The modes that a device has."""
    if device == "cpu":
        return ["f32", "f32-channels-last", "usual"]
    modes = ["f32", "f32-channels-last"]
    if device == "cuda":
        if torch.cuda.get_device_capability() >= (8, 0):
            modes += ["tf32-channels-last", "bf16-channels-last"]
        modes.append("f16-channels-last")
    elif tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 5):
        modes.append("f16-channels-last")
    return [*modes, "usual"]


def usual_arithmetic(device, modes):
    """What the usual pipeline computes in: the narrowest of the modes that are measured."""
    ours = [mode for mode in modes if mode != "usual"] or ["f32-channels-last"]
    order = ["bf16", "f16", "tf32", "f32"] if device != "cpu" else ["f32", "bf16"]
    return min(reversed(ours), key=lambda mode: order.index(mode.split("-")[0]))


def apply_settings(recipe, settings):
    """--set section.key=value, as zview reads it."""
    for setting in settings:
        key, _, text = setting.partition("=")
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text
        *sections, last = key.split(".")
        place = recipe
        for section in sections:
            place = place.setdefault(section, {})
        place[last] = value
    return recipe


def device_name(device):
    return torch.cuda.get_device_name() if device == "cuda" else device


def spread(values, digits):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def write_markdown(path, result):
    """One table of rates and ratios."""
    lines = [f"| {result['title']} | views/s | zview / this |", "|---|---|---|"]
    for name, values in result["rates"].items():
        ratio = spread(result["ratios"][name], 2) if name in result["ratios"] else ""
        lines.append(f"| {name} | {spread(values, 0)} | {ratio} |")
    pathlib.Path(path).write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("--zview", default="target/release/zview", help="the binary")
    parser.add_argument("--device", default="cpu", help="zview's device")
    parser.add_argument("--torch-device", default="cpu", choices=["auto", "cpu", "cuda", "mps"])
    parser.add_argument("--modes", nargs="+", help="see above; default: all that the device has")
    parser.add_argument("--set", action="append", default=[], dest="sets", metavar="KEY=VALUE")
    parser.add_argument("--data-dir", default=os.environ.get("ZVIEW_DATA"))
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="PyTorch's threads")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="DataLoader's processes")
    parser.add_argument("--images", help="image folder of the usual pipeline")
    parser.add_argument("--image-count", type=int, default=4096, help="samples where no folder is given")
    parser.add_argument("--json", metavar="FILE", help="write everything there")
    parser.add_argument("--markdown", metavar="FILE", help="write the table there")
    arguments = parser.parse_args()
    if arguments.torch_device == "auto":
        mps = torch.backends.mps.is_available()
        arguments.torch_device = "cuda" if torch.cuda.is_available() else "mps" if mps else "cpu"
    device = arguments.torch_device
    torch.set_num_threads(arguments.threads)
    recipe = apply_settings(tomllib.loads(pathlib.Path(arguments.recipe).read_text()), arguments.sets)
    modes = arguments.modes or modes_of(device)
    known = {"f32", "f32-channels-last", "tf32-channels-last", "bf16-channels-last", "f16-channels-last", "usual"}
    if unknown := set(modes) - known:
        parser.error(f"--modes: {', '.join(sorted(unknown))} is none of {', '.join(sorted(known))}")
    usual = usual_arithmetic(device, modes)
    names = {mode: f"PyTorch {usual if mode == 'usual' else mode}" for mode in modes}
    if "usual" in modes:
        decoder = "torchvision" if torchvision_transform(Folder([], {}, 1, 8)) else "PIL"
        names["usual"] += f", image files ({decoder}, {arguments.workers} workers)"
    rates = {"zview": []} | {names[mode]: [] for mode in modes}
    on_device, channels = on_device_views(recipe, arguments.data_dir, device)
    with tempfile.TemporaryDirectory() as folder:
        paths = image_files(recipe, arguments, pathlib.Path(folder) / "images") if "usual" in modes else None
        measured = []
        for _ in range(arguments.rounds):
            measured.append(zview_bench(arguments))
            rates["zview"].append(measured[-1]["views_per_second"])
            for mode in modes:
                if mode == "usual":
                    files, file_channels = folder_views(recipe, paths, device, arguments.workers)
                    # What the workers have ready when the clock starts was not made in the measured time.
                    warmup = 3 + 2 * arguments.workers
                    rate = pytorch_rate(recipe, files, file_channels, usual, arguments, warmup)
                    del files
                else:
                    rate = pytorch_rate(recipe, on_device, channels, mode, arguments)
                rates[names[mode]].append(rate)
    ratios = {
        name: [ours / theirs for ours, theirs in zip(rates["zview"], values)]
        for name, values in rates.items()
        if name != "zview"
    }
    title = f"{arguments.recipe}, {arguments.rounds} rounds of {arguments.steps} steps"
    environment = {"torch": torch.__version__, "torch_device": device_name(device), "device": measured[-1]["device"]}
    result = {"title": title, **environment, "sets": arguments.sets, "rates": rates, "ratios": ratios, "zview": measured}
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(result, indent=1) + "\n")
    if arguments.markdown:
        write_markdown(arguments.markdown, result)
    print(f"{title}; zview on {environment['device']}, PyTorch {torch.__version__} on {environment['torch_device']}")
    width = max(map(len, rates))
    for name, values in rates.items():
        print(f"{name:<{width}}  {statistics.median(values):8.0f} views/s  ({min(values):.0f} to {max(values):.0f})")
    for name, values in ratios.items():
        low, high = min(values), max(values)
        print(f"zview / {name:<{width}}  {statistics.median(values):.2f}  ({low:.2f} to {high:.2f})")
    stages = ", ".join(f"{name} {value:.1f} ms" for name, value in measured[-1]["stages"].items())
    print(f"zview's step: {stages}; views and augmentation {100 * measured[-1]['input_share']:.1f} %")


if __name__ == "__main__":
    main()
