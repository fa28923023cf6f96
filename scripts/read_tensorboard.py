#!/usr/bin/env python3
"""Reads a folder of TensorBoard files with TensorBoard's own reader and prints what is in them as JSON.

    python scripts/read_tensorboard.py RUN/tensorboard

Needs the package `tensorboard` (tested with 2.21.0). Prints {"scalars": {tag: [[step, value], ..]},
"histograms": {tag: [[step, {..}], ..]}, "images": {tag: [[step, width, height, format], ..]}}; of each image
the file itself is decoded.
"""

import dataclasses
import io
import json
import sys

from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def image_facts(event):
    picture = Image.open(io.BytesIO(event.encoded_image_string))
    picture.load()
    assert picture.size == (event.width, event.height), f"the event says {event.width} x {event.height}"
    return [event.step, *picture.size, picture.format]


def main():
    events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "histograms": 0, "images": 0})
    events.Reload()
    tags = events.Tags()
    found = {
        "scalars": {t: [[e.step, e.value] for e in events.Scalars(t)] for t in tags["scalars"]},
        "histograms": {
            t: [[e.step, dataclasses.asdict(e.histogram_value)] for e in events.Histograms(t)] for t in tags["histograms"]
        },
        "images": {t: [image_facts(e) for e in events.Images(t)] for t in tags["images"]},
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
