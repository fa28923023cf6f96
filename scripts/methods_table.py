#!/usr/bin/env python3
"""The table of methods of docs/methods.md: every objective on views of a generator and on real images.

    python3 scripts/methods_table.py --out runs/methods STAGE...

Stages, each of which goes on where it was stopped (a cell is a run folder and its probe's JSON; finished ones, and those
of docs/methods.json, are kept; --anew leaves that file alone):
    distance  four methods on generated views at each of four distances (views.std), judged as by tune; the recipes have
              the best one, 0.25
    tune      every recipe of configs/methods at each of two learning rates for 150 steps, seed 100, judged on a
              validation part of the embedded training images (the test images are not looked at); the better
              rate is taken
    one       every recipe at its rate, seed 0, on the test images; and the random encoders
    top       two more seeds for the five methods with the best mean over both columns, and for the random encoder
    fashion   those five on Fashion-MNIST, as many seeds as --fashion-seeds (needs the data, and --fashion-gan FOLDER and
              --fashion-gan-conditional FOLDER from `zview generator train configs/generators/train/fashion-gan*.toml`)
    table     prints the tables in Markdown, and writes all cells to docs/methods.json

Only the standard library is needed. The linear probe's accuracy with up to 20,000 labels, in percent.
"""

import argparse
import gzip
import json
import os
import pathlib
import random
import struct
import subprocess
import statistics
import sys
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parent.parent
RECIPES = ROOT / "configs" / "methods"
FOLDERS = ["distance", "tune", "glyphs", "glyphs-wide", "fashion"]
CELLS = ROOT / "docs" / "methods.json"
RATES = ["1e-3", "4e-3"]
TUNING_STEPS = 150
VALIDATION_SHARE = 0.2
SOURCES = ["generated", "real"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stages", nargs="+", choices=["distance", "tune", "one", "top", "fashion", "table"])
    parser.add_argument("--binary", default=str(ROOT / "target/release/zview"))
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/methods"))
    parser.add_argument("--anew", action="store_true", help="repeat the cells of docs/methods.json too")
    parser.add_argument("--jobs", type=int, default=1, help="runs at once")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--fashion-seeds", type=int, default=3)
    parser.add_argument("--fashion-gan", default="runs/fashion-gan")
    parser.add_argument("--fashion-gan-conditional", default="runs/fashion-gan-conditional")
    return parser.parse_args()


def rows():
    """Methods and the recipes that they have, by source."""
    found = {}
    for path in sorted(RECIPES.glob("*.toml")):
        row, source = path.stem.rsplit("-", 1)
        found.setdefault(row, {})[source] = path
    return found


class Study:
    def __init__(self, options):
        self.options = options
        self.out = options.out
        self.out.mkdir(parents=True, exist_ok=True)
        self.published = json.loads(CELLS.read_text()) if CELLS.exists() and not options.anew else {}

    def zview(self, *args):
        command = [self.options.binary, *map(str, args), "--device", self.options.device, "--json"]
        threads = max(1, (os.cpu_count() or 1) // self.options.jobs)
        environment = {**os.environ, "RAYON_NUM_THREADS": str(threads)}
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr[-2000:]}")
        return json.loads(done.stdout)

    def cell(self, name, recipe, data, changes):
        """Accuracy and seconds of one run, from its files if it was finished before."""
        result = self.out / f"{name}.json"
        if known := self.known(name):
            return known
        run = self.out / name
        settings = [part for key, value in changes.items() for part in ("--set", f"{key}={value}")]
        resume = ["--resume"] if (run / "config.toml").exists() else []
        try:
            trained = self.zview("pretrain", recipe, *settings, "--out", run, *resume)
            probed = self.zview("probe", run, "--data", data, "--train-pool", 20000, "--protocol", "linear")
        except RuntimeError as error:
            print(f"{name}: FAILED\n{error}", file=sys.stderr, flush=True)
            return {"failed": str(error).splitlines()[-1] if str(error) else "failed"}
        cell = {
            "accuracy": probed["linear"]["top1"], "low": probed["linear"]["low"], "high": probed["linear"]["high"],
            "seconds": trained["seconds"], "loss": trained["loss"],
        }
        temporary = result.with_suffix(".tmp")
        temporary.write_text(json.dumps(cell))
        temporary.replace(result)
        print(f"{name}: {100 * cell['accuracy']:.1f} in {cell['seconds']:.0f} s", file=sys.stderr, flush=True)
        return cell

    def cells(self, wanted):
        with ThreadPoolExecutor(self.options.jobs) as pool:
            return dict(zip([w[0] for w in wanted], pool.map(lambda w: self.cell(*w), wanted)))

    # Stages

    def distance(self):
        data = validation_data(self.out / "validation")
        (self.out / "distance").mkdir(exist_ok=True)
        wanted = []
        for row in ["simclr", "byol", "barlow-twins", "latent-step"]:
            for std in [0.25, 0.5, 1.0, 1.5]:
                changes = {"seed": 100, "optimizer.lr": RATES[-1], "train.steps": TUNING_STEPS, "views.std": std}
                wanted.append((f"distance/{row}-{std}", rows()[row]["generated"], data, changes))
        self.cells(wanted)

    def tune(self):
        data = validation_data(self.out / "validation")
        wanted = []
        for row, sources in rows().items():
            for source, recipe in sources.items():
                for rate in RATES:
                    changes = {"seed": 100, "optimizer.lr": rate, "train.steps": TUNING_STEPS}
                    if source == "real":
                        changes["source.data"] = f'"{data}"'
                    wanted.append((f"tune/{row}-{source}-{rate}", recipe, data, changes))
        (self.out / "tune").mkdir(exist_ok=True)
        self.cells(wanted)
        print(json.dumps(self.tuned(), indent=1), file=sys.stderr)

    def rate(self, name):
        return self.tuned()[name]

    def tuned(self):
        """The better rate of every recipe."""
        best = {}
        for row, sources in rows().items():
            for source in sources:
                cells = {rate: self.known(f"tune/{row}-{source}-{rate}") for rate in RATES}
                if not all(cells.values()):
                    raise SystemExit(f"{row}-{source}: no rate yet; run the stage tune first")
                best[f"{row}-{source}"] = max(cells, key=lambda rate: cells[rate]["accuracy"])
        return best

    def plan(self, folder, methods, seeds, data, change=lambda row, source: {}):
        (self.out / folder).mkdir(exist_ok=True)
        wanted = []
        for seed in seeds:
            for row in methods:
                for source, recipe in rows()[row].items():
                    changes = {"seed": seed, "optimizer.lr": self.rate(f"{row}-{source}"), **change(row, source)}
                    wanted.append((f"{folder}/{row}-{source}-{seed}", recipe, data, changes))
            for encoder, row in [("random", "simclr"), ("random-vit", "i-jepa")]:
                if row in methods or encoder == "random":
                    changes = {"seed": seed, "train.steps": 0, "train.warmup_steps": 0, **change(row, "real")}
                    wanted.append((f"{folder}/{encoder}-{seed}", RECIPES / f"{row}-real.toml", data, changes))
        return wanted

    def one(self):
        self.cells(self.plan("glyphs", rows(), [0], "glyphs"))

    def top_five(self):
        def mean(row):
            cells = [self.known(f"glyphs/{row}-{source}-0") for source in SOURCES]
            values = [cell["accuracy"] for cell in cells if cell and "accuracy" in cell]
            return statistics.mean(values) if len(values) == len(rows()[row]) else 0
        return sorted(rows(), key=mean, reverse=True)[:5]

    def top(self):
        self.cells(self.plan("glyphs", self.top_five(), [1, 2], "glyphs"))

    def fashion(self):
        def change(row, source):
            if source == "real":
                return {"source.data": "fashion-mnist"}
            conditional = "conditional" in (RECIPES / f"{row}-generated.toml").read_text()
            generator = self.options.fashion_gan_conditional if conditional else self.options.fashion_gan
            return {"source.generator": f'"{generator}"'}
        self.cells(self.plan("fashion", self.top_five(), range(self.options.fashion_seeds), "fashion-mnist", change))

    def known(self, name):
        path = self.out / f"{name}.json"
        return json.loads(path.read_text()) if path.exists() else self.published.get(name)

    def table(self):
        if not self.options.anew:
            cells = dict(self.published)
            for path in (path for folder in FOLDERS for path in (self.out / folder).glob("*.json")):
                cells[f"{path.parent.name}/{path.stem}"] = json.loads(path.read_text())
            CELLS.write_text(json.dumps(cells, indent=0, sort_keys=True) + "\n")
        for folder, seeds in [("glyphs", [0, 1, 2]), ("fashion", [0, 1, 2])]:
            print(f"\n| {folder} | generated views | real images | seeds |\n|---|---|---|---|")
            for row in ["random", "random-vit", *rows()]:
                columns, counts = [], []
                for source in SOURCES:
                    names = [f"{folder}/{row}-{source}-{seed}" for seed in seeds]
                    if row.startswith("random"):
                        names = [f"{folder}/{row}-{seed}" for seed in seeds]
                    cells = [cell for cell in map(self.known, names) if cell]
                    counts.append(len(cells))
                    columns.append(column(cells))
                if any(counts):
                    print(f"| {row} | {columns[0]} | {columns[1]} | {max(counts)} |")


def column(cells):
    """One run with its interval over test images, or several with their mean and range."""
    values = [100 * cell["accuracy"] for cell in cells]
    if not values:
        return ""
    if len(values) == 1:
        return f"{values[0]:.1f} ({100 * cells[0]['low']:.1f}-{100 * cells[0]['high']:.1f})"
    return f"{statistics.mean(values):.1f} [{min(values):.1f}-{max(values):.1f}]"


def validation_data(folder):
    """The embedded training images, split in two at random, as an IDX data set."""
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        source = ROOT / "assets" / "glyphs"
        images = gzip.decompress((source / "train-images-idx3-ubyte.gz").read_bytes())
        labels = gzip.decompress((source / "train-labels-idx1-ubyte.gz").read_bytes())
        count, height, width = struct.unpack(">3I", images[4:16])
        order = list(range(count))
        random.Random(0).shuffle(order)
        kept = int(count * VALIDATION_SHARE)
        for name, chosen in [("t10k", order[:kept]), ("train", order[kept:])]:
            size = height * width
            pixels = b"".join(images[16 + i * size : 16 + (i + 1) * size] for i in chosen)
            header = struct.pack(">4I", 0x803, len(chosen), height, width)
            with gzip.open(folder / f"{name}-images-idx3-ubyte.gz", "wb", 1) as file:
                file.write(header + pixels)
            with gzip.open(folder / f"{name}-labels-idx1-ubyte.gz", "wb") as file:
                file.write(struct.pack(">2I", 0x801, len(chosen)) + bytes(labels[8 + i] for i in chosen))
        (folder / "done").touch()
    return folder.resolve()


options = arguments()
study = Study(options)
for stage in options.stages:
    getattr(study, stage)()
