#!/usr/bin/env python3
"""Kills a run that saves all the time, again and again, and looks at what is left (R4 of docs/reliability.md).

    python3 scripts/kill_test.py --binary target/release/zview --kills 200

The run saves after every step. After a random time it gets SIGKILL; then the newest checkpoint whose files are
what their hashes say is looked for, by this script's own reading of the format, and must not be older than the one
before. Then the run is resumed and killed again. In the end a run that nobody kills goes as far, and every loss
must be the same. Prints one JSON object. Exit code 0 if all of it held.
"""

import argparse
import hashlib
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RECIPE = """seed = 5
[source]
kind = "generator"
generator = "glyphs-gan"
[views]
kind = "gaussian"
std = 0.2
[encoder]
width = 4
[objective]
projector = [16, 8]
[train]
steps = 1000000
batch = 4
warmup_steps = 100
log_every = 1
checkpoint_every = 1
keep_checkpoints = 2
"""


def valid_step(checkpoint):
    """The step of a checkpoint whose every file has its hash; None for another one."""
    try:
        text = (checkpoint / "manifest.json").read_bytes()
        if (checkpoint / "manifest.sha256").read_text().split()[0] != hashlib.sha256(text).hexdigest():
            return None
        manifest = json.loads(text)
        for name, expected in manifest["files"].items():
            if hashlib.sha256((checkpoint / name).read_bytes()).hexdigest() != expected:
                return None
        return manifest["step"]
    except (OSError, ValueError, KeyError, IndexError):
        return None


def losses(run):
    """Every loss of the log, step by step; half a line at the end is no event."""
    found = []
    for line in (run / "events.jsonl").read_text().splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            break
        if event.get("event") == "train":
            found += event["losses"]["loss"]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, default=Path("target/release/zview"))
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="of the instants")
    parser.add_argument("--longest", type=float, default=0.5, help="seconds from the first new event to the kill, at most")
    arguments = parser.parse_args()
    binary, rng = arguments.binary.resolve(), random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "recipe.toml").write_text(RECIPE)
        command = [str(binary), "pretrain", "recipe.toml", "--device", "cpu"]

        def start(*more):
            return subprocess.Popen([*command, *more], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

        run, saved, half_written, damaged, went_back = folder / "run", 0, 0, 0, 0
        started = time.time()
        for kill in range(arguments.kills):
            process = start("--out", "run", *(["--resume"] if (run / "config.toml").exists() else []))
            log = run / "events.jsonl"
            before = log.stat().st_size if log.exists() else 0
            while process.poll() is None and (not log.exists() or log.stat().st_size <= before):
                time.sleep(0.002)
            time.sleep(rng.uniform(0, arguments.longest))
            process.send_signal(signal.SIGKILL)
            _, error = process.communicate()
            if process.returncode != -signal.SIGKILL:
                sys.exit(f"kill {kill}: the run ended by itself: {error}")
            checkpoints = run / "checkpoints"
            half_written += any(path.name.startswith(".") for path in checkpoints.glob(".*"))
            steps = [valid_step(path) for path in checkpoints.glob("step-*")]
            damaged += steps.count(None)
            newest = max((step for step in steps if step is not None), default=0)
            went_back += newest < saved
            saved = newest
        seconds = time.time() - started
        stopped = start("--out", "run", "--resume")
        time.sleep(1)
        stopped.terminate()
        if stopped.wait() != 130:
            sys.exit(f"the last part was not stopped and saved: {stopped.stderr.read()}")
        killed = losses(run)
        whole_run = start("--out", "whole", "--set", "train.checkpoint_every=0")
        while whole_run.poll() is None and len(losses(folder / "whole") if (folder / "whole/events.jsonl").exists() else []) < len(killed):
            time.sleep(0.2)
        whole_run.kill()
        whole_run.wait()
        whole = losses(folder / "whole")[: len(killed)]
        result = {
            "kills": arguments.kills,
            "steps": len(killed),
            "kills_with_a_half_written_folder": half_written,
            "damaged_checkpoints": damaged,
            "kills_after_which_the_newest_was_older": went_back,
            "losses_equal_to_a_run_that_was_not_killed": killed == whole,
            "seconds": round(seconds, 1),
        }
        print(json.dumps(result, indent=2))
        sys.exit(0 if damaged == went_back == 0 and saved > 0 and killed == whole else 1)


if __name__ == "__main__":
    main()
