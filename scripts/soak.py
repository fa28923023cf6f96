#!/usr/bin/env python3
"""Trains for 2,000 steps and says whether memory grows (R12 of docs/reliability.md).

    python3 scripts/soak.py --binary target/release/zview --device cpu

Reads the resident memory of the process after every 20 steps and fits a line over those after `--warm` steps. Exit
code 0 where the slope is at most 1 MiB per 100 steps. Prints one JSON object.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RECIPE = """seed = 5
[source]
kind = "mix"
generator = "glyphs-gan"
data = "glyphs"
real_share = 0.5
[views]
kind = "gaussian"
std = 0.2
[encoder]
width = 8
[objective]
projector = [64, 32]
[train]
steps = 2000
batch = 16
warmup_steps = 100
log_every = 20
checkpoint_every = 100
"""


def resident_mib(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return None


def slope(points):
    """Of the least-squares line through (step, MiB), per 100 steps."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    return 100 * sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, default=Path("target/release/zview"))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--warm", type=int, default=200, help="steps before which memory is not counted")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "recipe.toml").write_text(RECIPE)
        command = [arguments.binary.resolve(), "pretrain", "recipe.toml", "--device", arguments.device, "--out", "run"]
        started = time.time()
        process = subprocess.Popen([*command, "--set", f"train.steps={arguments.steps}"], cwd=folder, stdout=subprocess.DEVNULL)
        points, log = [], folder / "run" / "events.jsonl"
        while process.poll() is None:
            time.sleep(0.02)
            last = log.read_text().splitlines()[-1:] if log.exists() else []
            try:
                event = json.loads(last[0]) if last else {}
            except ValueError:
                continue  # half a line
            if event.get("event") == "train" and (not points or event["step"] > points[-1][0]):
                try:
                    points.append((event["step"], resident_mib(process.pid)))
                except OSError:
                    break
        process.wait()
        counted = [(step, mib) for step, mib in points if step > arguments.warm and mib]
        if process.returncode != 0 or len(counted) < 10:
            sys.exit(f"the run ended with {process.returncode} and {len(counted)} measurements")
        per_100 = slope(counted)
        result = {
            "device": arguments.device,
            "steps": points[-1][0],
            "measurements": len(counted),
            "mib_first": round(counted[0][1], 1),
            "mib_last": round(counted[-1][1], 1),
            "mib_largest": round(max(mib for _, mib in counted), 1),
            "mib_per_100_steps": round(per_100, 3),
            "seconds": round(time.time() - started, 1),
        }
        print(json.dumps(result, indent=2))
        sys.exit(0 if per_100 <= 1 else 1)


if __name__ == "__main__":
    main()
