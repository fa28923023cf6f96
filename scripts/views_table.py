#!/usr/bin/env python3
"""The tables of docs/views-results.md: every view sampler on three generators, and accuracy over the distance of views.

    python3 scripts/views_table.py --out runs/views STAGE...

Stages, each of which goes on where it was stopped (a cell is a run folder and its probe's JSON; finished ones, and those
of docs/views.json, are kept; --anew leaves that file alone):
    tune      every sampler at each distance of its grid for 150 steps, seed 100, judged on a validation part of the
              training images (the test images are not looked at); the best distance is taken
    best      every sampler at its distance for 400 steps, seeds 0 to 2, on the test images; with the random encoder and
              the one taught by real images
    curve     Gaussian views at every distance of the grid, seeds 0 to 2, on the test images
    few       the same encoders with 10 labels per class (five draws) and by 20 nearest neighbours
    table     prints the tables in Markdown, writes docs/images/views-std.svg and all cells to docs/views.json

--samplers and --generators take a part of them. MNIST and its two generators are those of the manifests; the learned
walks come from `zview generator directions` (see docs/views-steered.md), one file for each generator under --walks.
Only the standard library is needed. Accuracies are in percent; the linear probe's has up to 20,000 labels.
"""

import json
import os
import pathlib
import statistics
from concurrent.futures import ThreadPoolExecutor

from study_cells import ROOT, Cells, column, parser, validation_data

RECIPES = ROOT / "configs" / "views"
CELLS = ROOT / "docs" / "views.json"
PLOT = ROOT / "docs" / "images" / "views-std.svg"
FOLDERS = ["tune", "test"]
MEASURES = {"accuracy": "linear probe", "few_shot_10": "10 labels per class", "knn_20": "20 nearest neighbours"}
SEEDS = [0, 1, 2]
STUDENT_T = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}  # 97.5 % quantile, by number of seeds
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
    "steered-walks": ("std", [0.5, 1.0, 2.0, 4.0], {"directions": "WALKS"}),
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

    def few(self):
        def probe(path):
            cell = json.loads(path.read_text())
            if "few_shot_10" in cell or "failed" in cell:
                return
            run = path.parent / path.name.removesuffix(".json")
            data = "glyphs" if "glyphs" in path.name else "mnist"
            found = self.zview("probe", run, "--data", data, "--protocol", "knn", "--protocol", "few-shot",
                               "--labels-per-class", 10, "--draws", 5)
            cell["few_shot_10"], cell["knn_20"] = found["few_shot"]["10"]["mean"], found["knn"]["20"]["top1"]
            temporary = path.parent / f"{path.name}.tmp"
            temporary.write_text(json.dumps(cell))
            temporary.replace(path)

        with ThreadPoolExecutor(self.options.jobs) as pool:
            list(pool.map(probe, sorted((self.out / "test").glob("*.json"))))

    def found(self, generator, sampler, value):
        return self.cells_of(self.name(generator, sampler, value, seed) for seed in SEEDS)

    def cells_of(self, names):
        cells = [self.known(name) for name in names]
        return [cell for cell in cells if cell and "accuracy" in cell]

    def table(self):
        self.publish(FOLDERS)
        for measure, title in MEASURES.items():
            print(f"\n{title}\n\n| views | {' | '.join(text for _, text in GENERATORS.values())} |")
            print("|---|" + "---|" * len(GENERATORS))
            for row, text in [("random", "an untrained encoder"), ("real", "real images, Tx")]:
                columns = [column(self.cells_of(f"test/{row}-{data}-{seed}" for seed in SEEDS), measure)
                           for data, _ in GENERATORS.values()]
                print(f"| {text} | {' | '.join(columns)} |")
            for sampler, (key, _, _) in SAMPLERS.items():
                columns = []
                for generator in GENERATORS:
                    try:
                        value = self.tuned(generator, sampler)
                    except SystemExit:
                        columns.append("")
                        continue
                    at = f" ({key} {value})" if key else ""
                    columns.append(f"{column(self.found(generator, sampler, value), measure)}{at}")
                print(f"| {sampler} | {' | '.join(columns)} |")
            print(f"\n| std | {' | '.join(text for _, text in GENERATORS.values())} |")
            print("|---|" + "---|" * len(GENERATORS))
            for value in STDS:
                columns = [column(self.found(generator, "gaussian", value), measure) for generator in GENERATORS]
                print(f"| {value} | {' | '.join(columns)} |")
        print(f"\nDifference to `same`, paired by seed: mean ± half the 95 % t interval over {len(SEEDS)} seeds, points\n")
        names = [f"{text}, {title}" for _, text in GENERATORS.values() for title in list(MEASURES.values())[:2]]
        print(f"| views | {' | '.join(names)} |\n|---|" + "---|" * len(names))
        for sampler in list(SAMPLERS)[1:]:
            columns = [self.difference(generator, sampler, measure)
                       for generator in GENERATORS for measure in list(MEASURES)[:2]]
            print(f"| {sampler} | {' | '.join(columns)} |")
        PLOT.parent.mkdir(exist_ok=True)
        PLOT.write_text(plot(self))

    def difference(self, generator, sampler, measure):
        """The paired difference of a sampler at its tuned value to views without a step."""
        pairs = []
        for seed in SEEDS:
            names = [self.name(generator, sampler, self.tuned(generator, sampler), seed),
                     self.name(generator, "same", None, seed)]
            values = [cell[measure] for cell in map(self.known, names) if cell and measure in cell]
            pairs += [100 * (values[0] - values[1])] if len(values) == 2 else []
        if len(pairs) < len(SEEDS):
            return ""
        half = STUDENT_T[len(pairs)] * statistics.stdev(pairs) / len(pairs) ** 0.5
        return f"{statistics.mean(pairs):+.1f} ± {half:.1f}"


COLOURS = {"glyphs": "#0072b2", "mnist": "#d55e00", "mnist-conditional": "#009e73"}  # Okabe and Ito


def plot(study):
    """A panel for each generator and measure: accuracy over std, the mean of the seeds with each of them, and what Tx
    alone gives as a line."""
    width, height, margin, between = 250, 170, 46, 78
    parts = []
    for row, (measure, title) in enumerate(list(MEASURES.items())[:2]):
        for place, generator in enumerate(GENERATORS):
            values = lambda cells: [100 * cell[measure] for cell in cells if measure in cell]
            same = values(study.found(generator, "same", None))
            points = [(std, found) for std in STDS if (found := values(study.found(generator, "gaussian", std)))]
            if not points:
                continue
            every = [value for _, found in points for value in found] + same
            low, high = min(every) - 0.3, max(every) + 0.3
            left, top = place * (width + margin) + margin, 30 + row * (height + between)
            x = lambda std: left + width * std / 1.6
            y = lambda accuracy: top + height * (high - accuracy) / (high - low)
            parts.append(f'<text x="{left}" y="{top - 12}" font-weight="bold">{GENERATORS[generator][1]}: {title}</text>')
            parts.append(f'<path d="M{left} {top}v{height}h{width}" fill="none" stroke="#333"/>')
            step = next(step for step in [0.2, 0.5, 1, 2, 5, 10] if (high - low) / step <= 6)
            tick = step * (int(low / step) + 1)
            while tick < high:
                parts.append(f'<text x="{left - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:.1f}</text>')
                parts.append(f'<path d="M{left} {y(tick):.1f}h{width}" stroke="#ddd"/>')
                tick += step
            for std in [0, 0.5, 1.0, 1.5]:
                parts.append(f'<text x="{x(std):.1f}" y="{top + height + 16}" text-anchor="middle">{std}</text>')
            if same:
                level = y(statistics.mean(same))
                parts.append(f'<path d="M{left} {level:.1f}h{width}" stroke="#777" stroke-dasharray="5 3"/>')
                parts.append(f'<text x="{left + width - 2}" y="{level - 4:.1f}" text-anchor="end" fill="#555">no step</text>')
            line = " ".join(f"{x(std):.1f},{y(statistics.mean(found)):.1f}" for std, found in points)
            colour = COLOURS[generator]
            parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
            for std, found in points:
                parts += [f'<circle cx="{x(std):.1f}" cy="{y(value):.1f}" r="2.5" fill="{colour}" fill-opacity="0.6"/>'
                          for value in found]
            parts.append(f'<text x="{left + width / 2}" y="{top + height + 33}" text-anchor="middle">std of Gaussian views</text>')
    across, down = len(GENERATORS) * (width + margin) + margin, 2 * (height + between)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {across} {down}" font-family="sans-serif" '
            f'font-size="12"><title>Accuracy in percent over the std of Gaussian views; a dot for each seed</title>'
            f'<rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>\n')


made = parser(__doc__, ["tune", "best", "curve", "few", "table"], "runs/views")
made.add_argument("--samplers", nargs="+", choices=list(SAMPLERS), default=list(SAMPLERS))
made.add_argument("--generators", nargs="+", choices=list(GENERATORS), default=list(GENERATORS))
made.add_argument("--walks", type=pathlib.Path, default=pathlib.Path("runs/walks"))
made.add_argument("--mnist", type=pathlib.Path, default=pathlib.Path(os.environ.get("ZVIEW_DATA", "data")) / "mnist")
options = made.parse_args()
study = Study(options, CELLS)
for stage in options.stages:
    getattr(study, stage)()
