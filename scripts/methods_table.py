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

import json
import statistics
import sys

from study_cells import ROOT, Cells, column, parser, validation_data

RECIPES = ROOT / "configs" / "methods"
FOLDERS = ["distance", "tune", "glyphs", "glyphs-wide", "fashion"]
CELLS = ROOT / "docs" / "methods.json"
GLYPHS = ROOT / "assets" / "glyphs"
RATES = ["1e-3", "4e-3"]
TUNING_STEPS = 150
SOURCES = ["generated", "real"]


def arguments():
    made = parser(__doc__, ["distance", "tune", "one", "top", "fashion", "table"], "runs/methods")
    made.add_argument("--fashion-seeds", type=int, default=3)
    made.add_argument("--fashion-gan", default="runs/fashion-gan")
    made.add_argument("--fashion-gan-conditional", default="runs/fashion-gan-conditional")
    return made.parse_args()


def rows():
    """Methods and the recipes that they have, by source."""
    found = {}
    for path in sorted(RECIPES.glob("*.toml")):
        row, source = path.stem.rsplit("-", 1)
        found.setdefault(row, {})[source] = path
    return found


class Study(Cells):
    # Stages

    def distance(self):
        data = validation_data(self.out / "validation", GLYPHS)
        wanted = []
        for row in ["simclr", "byol", "barlow-twins", "latent-step"]:
            for std in [0.25, 0.5, 1.0, 1.5]:
                changes = {"seed": 100, "optimizer.lr": RATES[-1], "train.steps": TUNING_STEPS, "views.std": std}
                wanted.append((f"distance/{row}-{std}", rows()[row]["generated"], data, changes))
        self.cells(wanted)

    def tune(self):
        data = validation_data(self.out / "validation", GLYPHS)
        wanted = []
        for row, sources in rows().items():
            for source, recipe in sources.items():
                for rate in RATES:
                    changes = {"seed": 100, "optimizer.lr": rate, "train.steps": TUNING_STEPS}
                    if source == "real":
                        changes["source.data"] = f'"{data}"'
                    wanted.append((f"tune/{row}-{source}-{rate}", recipe, data, changes))
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

    def table(self):
        self.publish(FOLDERS)
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


options = arguments()
study = Study(options, CELLS)
for stage in options.stages:
    getattr(study, stage)()
