"""Runs of a study: a cell is a run folder and its probe's JSON. Finished cells are kept, so a study that was stopped goes
on where it was. Used by methods_table.py and views_table.py; only the standard library is needed."""

import argparse
import gzip
import json
import os
import pathlib
import random
import statistics
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parent.parent
VALIDATION_SHARE = 0.2


def parser(documentation, stages, out):
    """Arguments that every study has."""
    made = argparse.ArgumentParser(description=documentation, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("stages", nargs="+", choices=stages)
    made.add_argument("--binary", default=str(ROOT / "target/release/zview"))
    made.add_argument("--out", type=pathlib.Path, default=pathlib.Path(out))
    made.add_argument("--anew", action="store_true", help="repeat the cells that are published in docs too")
    made.add_argument("--jobs", type=int, default=1, help="runs at once")
    made.add_argument("--device", default="cpu")
    return made


class Cells:
    """The cells under a folder, and those published in a JSON file of docs."""

    def __init__(self, options, published):
        self.options = options
        self.out = options.out
        self.out.mkdir(parents=True, exist_ok=True)
        self.file = published
        self.published = json.loads(published.read_text()) if published.exists() and not options.anew else {}

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
        if known := self.known(name):
            return known
        result, run = self.out / f"{name}.json", self.out / name
        result.parent.mkdir(parents=True, exist_ok=True)
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
        """Runs cells (name, recipe, data, changes) that are not there yet, as many at once as there are jobs."""
        with ThreadPoolExecutor(self.options.jobs) as pool:
            return dict(zip([w[0] for w in wanted], pool.map(lambda w: self.cell(*w), wanted)))

    def known(self, name):
        path = self.out / f"{name}.json"
        return json.loads(path.read_text()) if path.exists() else self.published.get(name)

    def publish(self, folders):
        """Writes the cells of these folders and those published before to the JSON file."""
        if self.options.anew:
            return
        cells = dict(self.published)
        for path in (path for folder in folders for path in (self.out / folder).glob("*.json")):
            cells[f"{path.parent.name}/{path.stem}"] = json.loads(path.read_text())
        self.file.write_text(json.dumps(cells, indent=0, sort_keys=True) + "\n")


def column(cells, measure="accuracy"):
    """One run with its interval over test images, or several with their mean and range; in percent."""
    values = [100 * cell[measure] for cell in cells if measure in cell]
    if not values:
        return ""
    if len(values) == 1 and measure == "accuracy":
        return f"{values[0]:.1f} ({100 * cells[0]['low']:.1f}-{100 * cells[0]['high']:.1f})"
    return f"{statistics.mean(values):.1f} [{min(values):.1f}-{max(values):.1f}]"


def validation_data(folder, source):
    """The training images of the IDX data set `source`, split in two at random, as an IDX data set under `folder`. The
    test images are not read."""
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
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
