#!/usr/bin/env python3
"""Trains and probes every arm of the README's table and prints the table as Markdown.

    python3 scripts/reference_table.py --seeds 3 --out runs/reference [--device cpu]

Needs MNIST and Fashion-MNIST where zview finds them (--data-dir or $ZVIEW_DATA) and the generator of
configs/generators/mnist-cgan-mlp.toml. A finished cell (run folder with probe.json) is kept, so an
interrupted table continues where it stopped.
"""

import argparse
import json
import pathlib
import statistics
import subprocess

ARMS = [
    "mnist-random",
    "mnist-real",
    "mnist-synthetic-tx",
    "mnist-synthetic-gaussian-0.2",
    "mnist-synthetic-gaussian-0.5",
    "mnist-synthetic-gaussian-1.0",
    "fashion-real",
]
# Two-sided 95 % quantile of Student's t by degrees of freedom.
STUDENT_T = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}


def run_cell(arguments, arm, seed):
    """Trains and probes one arm with one seed, unless that is done."""
    run = pathlib.Path(arguments.out) / f"{arm}-seed{seed}"
    result = run / "probe.json"
    if not result.exists():
        common = ["--device", arguments.device, "--json"]
        if arguments.data_dir:
            common += ["--data-dir", arguments.data_dir]
        recipe = f"configs/{arm}.toml"
        train = [arguments.zview, "pretrain", recipe, "--set", f"seed={seed}", "--out", str(run)]
        if (run / "config.toml").exists():
            train.append("--resume")
        subprocess.run(train + common, check=True, stdout=subprocess.DEVNULL)
        probe = [arguments.zview, "probe", str(run), "--seed", str(seed), "--draws", "5"] + common
        text = subprocess.run(probe, check=True, stdout=subprocess.PIPE, text=True).stdout
        partial = result.with_suffix(".partial")
        partial.write_text(text)
        partial.rename(result)
    return json.loads(result.read_text())


def cell(values):
    """Mean and half-width of the 95 % interval over seeds, in percent."""
    mean = 100 * statistics.mean(values)
    if len(values) < 2:
        return f"{mean:.1f}"
    half = 100 * STUDENT_T[len(values) - 1] * statistics.stdev(values) / len(values) ** 0.5
    return f"{mean:.1f} ± {half:.1f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zview", default="target/release/zview", help="the binary")
    parser.add_argument("--seeds", type=int, default=3, help="seeds per arm, from 0")
    parser.add_argument("--out", default="runs/reference", help="folder for the run folders")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--data-dir")
    parser.add_argument("--arms", nargs="+", default=ARMS, choices=ARMS, metavar="ARM")
    arguments = parser.parse_args()
    # Seed by seed, so that an early look shows every arm.
    results = {arm: [] for arm in arguments.arms}
    for seed in range(arguments.seeds):
        for arm in arguments.arms:
            results[arm].append(run_cell(arguments, arm, seed))
    print("| arm | 10 per class | 100 per class | 20-NN | linear, 10,000 labels |")
    print("|---|---|---|---|---|")
    for arm, runs in results.items():
        few = [cell([run["few_shot"][labels]["mean"] for run in runs]) for labels in ("10", "100")]
        knn = cell([run["knn"]["20"]["top1"] for run in runs])
        linear = cell([run["linear"]["top1"] for run in runs])
        print(f"| {arm} | {few[0]} | {few[1]} | {knn} | {linear} |")


if __name__ == "__main__":
    main()
