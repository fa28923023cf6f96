#!/usr/bin/env python3
"""How far a resumed run drifts from one that was not stopped, against how far two identical runs do (R2 of
docs/reliability.md).

    python3 scripts/resume_drift.py --binary target/release/zview --device vulkan

Drift is the largest difference of a loss within the steps. Prints one JSON object; exit code 0 where the drift of the
resumed run is at most twice that of the identical ones (or both are 0).
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

RECIPE = """seed = 5
[source]
kind = "generator"
generator = "glyphs-gan"
[views]
kind = "gaussian"
std = 0.2
[encoder]
width = 8
[objective]
projector = [16, 8]
[train]
batch = 8
warmup_steps = 10
log_every = 10
keep_checkpoints = 2
"""


def losses(run):
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    return [loss for event in events if event.get("event") == "train" for loss in event["losses"]["loss"]]


def drift(a, b):
    return max(abs(x - y) for x, y in zip(losses(a), losses(b), strict=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, default=Path("target/release/zview"))
    parser.add_argument("--device", default="vulkan")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--set", action="append", default=[], help="a change of the recipe, such as encoder.arch=conv")
    arguments = parser.parse_args()
    half = arguments.steps // 2
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "recipe.toml").write_text(RECIPE)

        def train(out, *more):
            command = [arguments.binary.resolve(), "pretrain", "recipe.toml", "--device", arguments.device, "--out", out]
            # The comparison with the CPU is not the subject here.
            command += ["--selfcheck", "skip"]
            settings = ["--set", f"train.steps={arguments.steps}", "--set", f"train.checkpoint_every={half}"]
            settings += [part for change in arguments.set for part in ("--set", change)]
            subprocess.run([*command, *settings, *more], cwd=folder, check=True, stdout=subprocess.DEVNULL)
            return folder / out

        first, second = train("first"), train("second")
        shutil.copytree(first, folder / "resumed")
        for checkpoint in (folder / "resumed/checkpoints").glob("step-*"):
            if int(checkpoint.name[5:]) > half:
                shutil.rmtree(checkpoint)
        resumed = train("resumed", "--resume")
        result = {
            "device": arguments.device,
            "steps": arguments.steps,
            "stopped_after": half,
            "drift_of_two_identical_runs": drift(first, second),
            "drift_of_the_resumed_run": drift(first, resumed),
        }
        print(json.dumps(result, indent=2))
        sys.exit(0 if result["drift_of_the_resumed_run"] <= 2 * result["drift_of_two_identical_runs"] else 1)


if __name__ == "__main__":
    main()
