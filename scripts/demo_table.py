#!/usr/bin/env python3
"""Runs `zview demo` with several seeds, one after another, and prints a Markdown table.

    python3 scripts/demo_table.py --binary target/release/zview --seeds 0 1 2 --out runs/demo-table [-- MORE]

What stands after `--` is handed to `zview demo`, such as `--device cpu --set train.steps=300`. A finished
seed (OUT/seed-K.json, of the same command) is kept. Intervals are 95 % t intervals over seeds: of each arm's
mean, and of differences between arms, seed by seed. Seconds and peak memory are those of
the command that finished a seed, as the system counts them; where it kept arms of an interrupted one, the table
says so.
"""

import argparse
import json
import pathlib
import resource
import statistics
import subprocess
import sys
import time

# Two-sided 95 % quantile of Student's t by degrees of freedom.
STUDENT_T = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}
PAIRS = [
    ("synthetic-gaussian", "synthetic-tx"),
    ("synthetic-gaussian", "real"),
    ("synthetic-tx", "real"),
    ("real", "random"),
]
MEASURES = {
    "linear": lambda arm: arm["linear"]["top1"],
    "20-NN": lambda arm: arm["knn"]["20"]["top1"],
    "10 labels per class": lambda arm: arm["few_shot"]["10"]["mean"],
}


def run_seed(binary, seed, out, more):
    """Runs one seed unless its result is there; the result has `peak_mib`, `wall_seconds` and `command`."""
    result = out / f"seed-{seed}.json"
    run = out / f"seed-{seed}"
    command = [binary, "demo", "--seed", str(seed), "--out", str(run), "--json", *more]
    if result.exists():
        kept = json.loads(result.read_text())
        if kept["command"][1:] != command[1:]:
            sys.exit(f"{result} is of another command ({' '.join(kept['command'])}); use another --out")
        return kept
    started = time.monotonic()
    process = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit code {process.returncode}")
    summary = json.loads(process.stdout)
    # The largest of all children so far; every seed does the same work.
    peak_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    summary.update(command=command, wall_seconds=time.monotonic() - started, peak_mib=peak_kib / 1024)
    partial = result.with_suffix(".partial")
    partial.write_text(json.dumps(summary))
    partial.rename(result)
    return summary


def cell(values, signed=False):
    """Mean and half-width of the 95 % interval over seeds, in percent."""
    sign = "+" if signed else ""
    mean = 100 * statistics.mean(values)
    if len(values) < 2:
        return f"{mean:{sign}.1f}"
    half = 100 * STUDENT_T[len(values) - 1] * statistics.stdev(values) / len(values) ** 0.5
    return f"{mean:{sign}.1f} ± {half:.1f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/release/zview")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/demo-table"))
    parser.add_argument("more", nargs="*", metavar="MORE", help="after --: options of `zview demo`")
    arguments = parser.parse_args()
    if len(set(arguments.seeds)) != len(arguments.seeds) or len(arguments.seeds) > len(STUDENT_T) + 1:
        parser.error(f"--seeds: expected up to {len(STUDENT_T) + 1} different seeds")
    arguments.out.mkdir(parents=True, exist_ok=True)
    runs = [run_seed(arguments.binary, seed, arguments.out, arguments.more) for seed in arguments.seeds]

    by_name = [{arm["name"]: arm for arm in run["arms"]} for run in runs]
    print(f"| arm | {' | '.join(MEASURES)} | views/s | training, s |")
    print("|---|" + "---|" * (len(MEASURES) + 2))
    for name in by_name[0]:
        arms = [run[name] for run in by_name]
        cells = [cell([measure(arm) for arm in arms]) for measure in MEASURES.values()]
        rate = statistics.mean(arm["views_per_second"] for arm in arms)
        seconds = statistics.mean(arm["seconds"] for arm in arms)
        cost = f"{rate:.0f} | {seconds:.0f}" if arms[0]["steps"] else "- | -"
        print(f"| {name} | {' | '.join(cells)} | {cost} |")
    print()
    print(f"| difference, points | {' | '.join(MEASURES)} |")
    print("|---|" + "---|" * len(MEASURES))
    for one, other in PAIRS:
        cells = [
            cell([measure(run[one]) - measure(run[other]) for run in by_name], signed=True)
            for measure in MEASURES.values()
        ]
        print(f"| {one} - {other} | {' | '.join(cells)} |")
    seconds = [run["wall_seconds"] for run in runs]
    print()
    print(
        f"Seeds {', '.join(map(str, arguments.seeds))}; {runs[0]['n_test']} test images; {runs[0]['device']}; "
        f"{min(seconds):.0f} to {max(seconds):.0f} s a seed; peak memory {max(run['peak_mib'] for run in runs):.0f} MiB."
    )
    if any(arm["kept"] or arm["interrupted"] for run in runs for arm in run["arms"]):
        print("Some seed was interrupted and continued: its seconds are those of the last part.")


if __name__ == "__main__":
    main()
