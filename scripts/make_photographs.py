"""Made-up photographs in class folders, for trying data sets of ImageNet's size.

    python3 scripts/make_photographs.py OUT --images 126689 --classes 100 [--width 500] [--height 375] [--workers 2]
    python3 scripts/make_photographs.py OUT --images 1300000 --classes 1000 --links 50

Needs Pillow and NumPy. Writes OUT/train/<class>/<number>.JPEG, a tenth as many as OUT/val; every image is drawn by its own
number: a part of one of 64 backgrounds, and shapes whose colour, corners and number depend on the class. With --links N only N
of them are drawn, and all files are hard links to these. Goes on where it was stopped.
"""

import argparse
import os
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw


BACKGROUNDS = {}


def background(number, width, height):
    """One of 64 gradients with clouds and grain, larger than an image, which is cut out of it."""
    if number not in BACKGROUNDS:
        random = np.random.default_rng(number)
        wide, high = width + 64, height + 64
        y, x = np.mgrid[0 : 1 : high * 1j, 0 : 1 : wide * 1j]
        base = np.stack([(random.random() + 0.3 * (x * random.normal() + y * random.normal())) * 160 for _ in range(3)], -1)
        clouds = random.normal(size=(4 + number % 12, 5 + number % 12, 3)) * 40 + 128
        clouds = Image.fromarray(clouds.clip(0, 255).astype(np.uint8)).resize((wide, high), Image.BICUBIC)
        grain = random.normal(size=(high, wide, 1)) * 6
        picture = base * 0.6 + np.asarray(clouds, np.float32) * 0.5 + grain
        BACKGROUNDS[number] = Image.fromarray(picture.clip(0, 255).astype(np.uint8))
    return BACKGROUNDS[number]


def draw(path, number, label, width, height):
    random, of_class = np.random.default_rng([number, label]), np.random.default_rng(label)
    hue, shapes, sides = of_class.random(3), of_class.integers(2, 9), of_class.integers(3, 8)
    left, top = random.integers(0, 64, 2)
    picture = background(int(random.integers(0, 64)), width, height).crop((left, top, left + width, top + height))
    pen = ImageDraw.Draw(picture)
    for _ in range(shapes):
        radius = random.uniform(0.05, 0.25) * height
        centre = (random.uniform(0, width), random.uniform(0, height))
        colour = tuple(int(v) for v in (hue * 200 + random.uniform(0, 55, 3)).clip(0, 255))
        pen.regular_polygon((*centre, radius), int(sides), int(random.integers(0, 360)), fill=colour)
    temporary = path.with_suffix(".part")
    picture.save(temporary, "JPEG", quality=int(random.integers(75, 96)))
    os.replace(temporary, path)


def some(task):
    first, step, arguments, split, images = task
    for number in range(first, images, step):
        label = number % arguments.classes
        folder = Path(arguments.out) / split / f"n{label:08d}"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"n{label:08d}_{number}.JPEG"
        if path.exists():
            continue
        if arguments.links:
            drawn = Path(arguments.out).parent / f".drawn-{Path(arguments.out).name}" / f"{number % arguments.links}.JPEG"
            os.link(drawn, path)
        else:
            draw(path, number + (1 << 32 if split == "val" else 0), label, arguments.width, arguments.height)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    for name, default in [("images", 126_689), ("classes", 100), ("width", 500), ("height", 375), ("workers", 2), ("links", 0)]:
        parser.add_argument(f"--{name}", type=int, default=default)
    arguments = parser.parse_args()
    if arguments.links:
        drawn = Path(arguments.out).parent / f".drawn-{Path(arguments.out).name}"
        drawn.mkdir(parents=True, exist_ok=True)
        for number in range(arguments.links):
            draw(drawn / f"{number}.JPEG", number, number, arguments.width, arguments.height)
    with Pool(arguments.workers) as pool:
        for split, images in [("train", arguments.images), ("val", arguments.images // 10)]:
            tasks = [(first, 64, arguments, split, images) for first in range(64)]
            for _ in pool.imap_unordered(some, tasks):
                pass
