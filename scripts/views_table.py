#!/usr/bin/env python3
"""The tables of docs/views.md: every view sampler on three generators, and accuracy over the distance of views.

    python3 scripts/views_table.py --out runs/views STAGE...

Stages, each of which goes on where it was stopped (a cell is a run folder and its probe's JSON; finished ones, and those
of docs/views.json, are kept; --anew leaves that file alone):
    tune      every sampler at each distance of its grid for 150 steps, seed 100, judged on a validation part of the
              training images (the test images are not looked at); the best distance is taken
    best      every sampler at its distance for 400 steps, seeds 0 to 2, on the test images; with the random encoder and
              the one taught by real images
    curve     Gaussian views at every distance of the grid, seeds 0 to 2, on the test images
    table     prints the tables in Markdown, writes docs/images/views-std.svg and all cells to docs/views.json

--samplers and --generators take a part of them. MNIST and its two generators are those of the manifests; the learned
walks come from `zview generator directions` (see docs/views-steered.md), one file for each generator under --walks.
Only the standard library is needed. The linear probe's accuracy with up to 20,000 labels, in percent.
"""

import os
import pathlib
import statistics

from study_cells import ROOT, Cells, column, parser, validation_data

RECIPES = ROOT / "configs" / "views"
CELLS = ROOT / "docs" / "views.json"
PLOT = ROOT / "docs" / "images" / "views-std.svg"
FOLDERS = ["tune", "test"]
SEEDS = [0, 1, 2]
TUNING = {"seed": 100, "train.steps": 150}
STDS = [0.1, 0.25, 0.5, 0.75, 1.0, 1.5]
FEW_STDS = [0.25, 0.5, 1.0]
# What is tuned, over which values, and the rest of [views].
SAMPLERS = {
    "same": (None, [], {}),
    "gaussian": ("std", STDS, {}),
    "angular": ("std", FEW_STDS, {}),
    "uniform-ball": ("std", FEW_STDS, {}),
    "radii": ("std", FEW_STDS, {}),
    "interpolate": ("std", FEW_STDS, {}),
    "adaptive": ("agreement", [0.3, 0.5, 0.7], {}),
    "steered-factorised": ("std", [0.5, 1.0, 2.0], {"directions": "factorised", "direction_count": 8}),
    "steered-principal": ("std", [0.5, 1.0, 2.0], {"directions": "principal", "direction_count": 8}),
    "steered-walks": ("std", [0.5, 1.0, 2.0], {"directions": "WALKS"}),
    "independent": (None, [], {}),
}
# Column: the name of its data, and of its generator for the plot.
GENERATORS = {
    "glyphs": ("glyphs", "letters, unconditional"),
    "mnist": ("mnist", "digits, unconditional"),
    "mnist-conditional": ("mnist", "digits, by class"),
}


class Study(Cells):
    def views(self, generator, sampler, value=None):
        """The settings of a sampler at a value of what is tuned."""
        key, _, more = SAMPLERS[sampler]
        more = {name: str(self.options.walks / f"{generator}.safetensors") if given == "WALKS" else given
                for name, given in more.items()}
        kind = sampler.split("-walks")[0].split("-factorised")[0].split("-principal")[0]
        # The recipes' own std belongs to Gaussian views.
        settings = {"views.kind": kind, **{f"views.{name}": given for name, given in more.items()}}
        if sampler == "same":
            settings["views.std"] = 0.0
        elif kind in ["independent", "adaptive"]:
            settings["views.std"] = 1.0 if kind == "independent" else 0.2
        return settings | ({f"views.{key}": value} if key else {})

    def validation(self, data):
        source = ROOT / "assets" / "glyphs" if data == "glyphs" else self.options.mnist
        return validation_data(self.out / f"validation-{data}", source)

    def chosen(self):
        return [(generator, sampler) for generator in self.options.generators for sampler in self.options.samplers]

    def tune(self):
        wanted = []
        for generator, sampler in self.chosen():
            data = self.validation(GENERATORS[generator][0])
            for value in SAMPLERS[sampler][1]:
                changes = TUNING | self.views(generator, sampler, value)
                wanted.append((f"tune/{generator}-{sampler}-{value}", RECIPES / f"{generator}.toml", data, changes))
        self.cells(wanted)

    def tuned(self, generator, sampler):
        """The best value of what is tuned on validation images; None where nothing is."""
        values = SAMPLERS[sampler][1]
        cells = {value: self.known(f"tune/{generator}-{sampler}-{value}") for value in values}
        if not all(cell and "accuracy" in cell for cell in cells.values()):
            raise SystemExit(f"{generator}, {sampler}: not tuned yet; run the stage tune first")
        return max(cells, key=lambda value: cells[value]["accuracy"], default=None)

    def test(self, generator, sampler, value, seeds=SEEDS):
        recipe, data = RECIPES / f"{generator}.toml", GENERATORS[generator][0]
        return [(self.name(generator, sampler, value, seed), recipe, data,
                 {"seed": seed} | self.views(generator, sampler, value)) for seed in seeds]

    def name(self, generator, sampler, value, seed):
        return f"test/{generator}-{sampler}{'' if value is None else f'-{value}'}-{seed}"

    def best(self):
        wanted = []
        for generator, sampler in self.chosen():
            wanted += self.test(generator, sampler, self.tuned(generator, sampler))
        for data in {GENERATORS[generator][0] for generator in self.options.generators}:
            for seed in SEEDS:
                recipe = self.real_recipe(data)
                wanted.append((f"test/real-{data}-{seed}", recipe, data, {"seed": seed}))
                untaught = {"seed": seed, "train.steps": 0, "train.warmup_steps": 0}
                wanted.append((f"test/random-{data}-{seed}", recipe, data, untaught))
        self.cells(wanted)

    def real_recipe(self, data):
        """The recipe of a column with real images in place of a generator's."""
        text = (RECIPES / f"{data}.toml").read_text()
        sections = text.split("\n\n")
        kept = [part for part in sections if not part.startswith("[views]")]
        kept[0] = f'[source]\nkind = "real"\ndata = "{data}"'
        path = self.out / f"real-{data}.toml"
        path.write_text("\n\n".join(kept))
        return path

    def curve(self):
        wanted = [one for generator in self.options.generators for value in STDS
                  for one in self.test(generator, "gaussian", value)]
        self.cells(wanted)

    def found(self, generator, sampler, value):
        cells = [self.known(self.name(generator, sampler, value, seed)) for seed in SEEDS]
        return [cell for cell in cells if cell and "accuracy" in cell]

    def table(self):
        self.publish(FOLDERS)
        print(f"| views | {' | '.join(text for _, text in GENERATORS.values())} |")
        print("|---|" + "---|" * len(GENERATORS))
        for row in ["random", "real"]:
            columns = []
            for data, _ in GENERATORS.values():
                cells = [self.known(f"test/{row}-{data}-{seed}") for seed in SEEDS]
                columns.append(column([cell for cell in cells if cell]))
            print(f"| {row} | {' | '.join(columns)} |")
        for sampler, (key, _, _) in SAMPLERS.items():
            columns = []
            for generator in GENERATORS:
                try:
                    value = self.tuned(generator, sampler)
                except SystemExit:
                    columns.append("")
                    continue
                at = f" ({key} {value})" if key else ""
                columns.append(f"{column(self.found(generator, sampler, value))}{at}")
            print(f"| {sampler} | {' | '.join(columns)} |")
        print(f"\n| std | {' | '.join(text for _, text in GENERATORS.values())} |\n|---|" + "---|" * len(GENERATORS))
        curves = {}
        for value in STDS:
            columns = []
            for generator in GENERATORS:
                cells = self.found(generator, "gaussian", value)
                columns.append(column(cells))
                if cells:
                    curves.setdefault(generator, []).append((value, [100 * cell["accuracy"] for cell in cells]))
            print(f"| {value} | {' | '.join(columns)} |")
        PLOT.parent.mkdir(exist_ok=True)
        same = {generator: [100 * cell["accuracy"] for cell in self.found(generator, "same", None)]
                for generator in GENERATORS}
        PLOT.write_text(plot(curves, same))


COLOURS = {"glyphs": "#0072b2", "mnist": "#d55e00", "mnist-conditional": "#009e73"}  # Okabe and Ito


def plot(curves, same):
    """A panel for each generator: accuracy over std, the mean of the seeds with each of them, and Tx only as a line."""
    width, height, margin = 250, 170, 46
    parts = []
    for place, (generator, points) in enumerate(curves.items()):
        every = [value for _, values in points for value in values] + same[generator]
        low, high = min(every) - 0.3, max(every) + 0.3
        left = place * (width + margin) + margin
        x = lambda std: left + width * std / 1.6
        y = lambda accuracy: 30 + height * (high - accuracy) / (high - low)
        colour = COLOURS[generator]
        parts.append(f'<text x="{left}" y="18" font-weight="bold">{GENERATORS[generator][1]}</text>')
        parts.append(f'<path d="M{left} 30V{30 + height}H{left + width}" fill="none" stroke="#333"/>')
        step = next(step for step in [0.2, 0.5, 1, 2, 5, 10] if (high - low) / step <= 6)
        tick = step * (int(low / step) + 1)
        while tick < high:
            parts.append(f'<text x="{left - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:.1f}</text>')
            parts.append(f'<path d="M{left} {y(tick):.1f}h{width}" stroke="#ddd"/>')
            tick += step
        for std in [0, 0.5, 1.0, 1.5]:
            parts.append(f'<text x="{x(std):.1f}" y="{46 + height}" text-anchor="middle">{std}</text>')
        if same[generator]:
            level = y(statistics.mean(same[generator]))
            parts.append(f'<path d="M{left} {level:.1f}h{width}" stroke="#777" stroke-dasharray="5 3"/>')
            parts.append(f'<text x="{left + width - 2}" y="{level - 4:.1f}" text-anchor="end" fill="#555">no step</text>')
        line = " ".join(f"{x(std):.1f},{y(statistics.mean(values)):.1f}" for std, values in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for std, values in points:
            parts += [f'<circle cx="{x(std):.1f}" cy="{y(value):.1f}" r="2.5" fill="{colour}" fill-opacity="0.6"/>'
                      for value in values]
        parts.append(f'<text x="{left + width / 2}" y="{64 + height}" text-anchor="middle">std of Gaussian views</text>')
    total = len(curves) * (width + margin) + margin
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {height + 76}" font-family="sans-serif" '
            f'font-size="12"><title>Linear probe, percent, over the std of Gaussian views; a dot for each seed</title>'
            f'<rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>\n')


made = parser(__doc__, ["tune", "best", "curve", "table"], "runs/views")
made.add_argument("--samplers", nargs="+", choices=list(SAMPLERS), default=list(SAMPLERS))
made.add_argument("--generators", nargs="+", choices=list(GENERATORS), default=list(GENERATORS))
made.add_argument("--walks", type=pathlib.Path, default=pathlib.Path("runs/walks"))
made.add_argument("--mnist", type=pathlib.Path, default=pathlib.Path(os.environ.get("ZVIEW_DATA", "data")) / "mnist")
options = made.parse_args()
study = Study(options, CELLS)
for stage in options.stages:
    getattr(study, stage)()
