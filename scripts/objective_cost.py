#!/usr/bin/env python3
"""The time of a training step with each objective, relative to SimCLR's NT-Xent.

    python3 scripts/objective_cost.py [--rounds 5] [--steps 5]

Each round measures every recipe `configs/methods/*-generated.toml` once, one after another, and each step time is
divided by SimCLR's of the same round, so that a machine that is now fast and now slow gives the same ratios. I-JEPA
is divided by SimCLR with I-JEPA's encoder. Prints a Markdown table: the median ratio, its range over rounds, and the
shares of the stages. Only the standard library is needed.
"""

import argparse
import json
import pathlib
import statistics
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--binary", default=str(ROOT / "target/release/zview"))
parser.add_argument("--device", default="cpu")
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--steps", type=int, default=5)
options = parser.parse_args()

VIT = ["arch=vit", "width=48", "depth=3", "heads=4", "patch=7", "pool=mean"]


def bench(recipe, *settings):
    command = [options.binary, "bench", str(recipe), "--device", options.device, "--json"]
    command += ["--steps", str(options.steps), "--warmup", "1", "--selfcheck", "skip"]
    for setting in settings:
        command += ["--set", setting]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return json.loads(out)


recipes = {path.stem.removesuffix("-generated"): path for path in (ROOT / "configs/methods").glob("*-generated.toml")}
ratios, stages = {row: [] for row in recipes}, {}
for _ in range(options.rounds):
    measured = {row: bench(path) for row, path in sorted(recipes.items())}
    vit = bench(recipes["simclr"], *[f"encoder.{setting}" for setting in VIT])
    for row, result in measured.items():
        base = vit if row == "i-jepa" else measured["simclr"]
        ratios[row].append(result["seconds_per_step"] / base["seconds_per_step"])
        stages[row] = result["stages"]

print("| objective | step, relative to NT-Xent | range | forward and loss | backward | optimizer and target |")
print("|---|---|---|---|---|---|")
for row, values in sorted(ratios.items(), key=lambda item: statistics.median(item[1])):
    total = sum(stages[row].values())
    shares = [f"{100 * stages[row][stage] / total:.0f} %" for stage in ("forward", "backward", "optimize")]
    median = statistics.median(values)
    print(f"| {row} | {median:.2f} | {min(values):.2f} to {max(values):.2f} | {' | '.join(shares)} |")
