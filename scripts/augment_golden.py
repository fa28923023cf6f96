"""What torchvision draws for the published recipes of augmentation: crates/encoder/tests/golden/augment.json.

    python3 scripts/augment_golden.py > crates/encoder/tests/golden/augment.json

Each recipe is written here as its paper and its authors' code write it, in torchvision's classes, and not read from
zview. Of every parameter the mean and the standard deviation over many draws are kept, view by view.
"""

import json
import math

import torch
from torchvision import transforms as T

SIDE, DRAWS = 224, 20_000


def crop(low, high):
    return T.RandomResizedCrop(SIDE, scale=(low, high), ratio=(3 / 4, 4 / 3))


def jitter(brightness, contrast, saturation, hue):
    return T.ColorJitter(brightness, contrast, saturation, hue)


# preset: (strength or None, [(crop, flip, jitter, its probability, grey, blur, solarize) of each view])
SIMCLR = (crop(0.08, 1.0), 0.5, jitter(0.8, 0.8, 0.8, 0.2), 0.8, 0.2, 0.5, 0.0)
SIMCLR_HALF = (crop(0.2, 1.0), 0.5, jitter(0.4, 0.4, 0.4, 0.1), 0.8, 0.2, 0.0, 0.0)
BYOL = (crop(0.08, 1.0), 0.5, jitter(0.4, 0.4, 0.2, 0.1), 0.8, 0.2)
SWAV = (0.5, jitter(0.8, 0.8, 0.8, 0.2), 0.8, 0.2, 0.5, 0.0)
RECIPES = {
    "simclr": (None, [SIMCLR]),
    "simclr-small": (None, [SIMCLR_HALF]),
    "byol": (None, [(*BYOL, 1.0, 0.0), (*BYOL, 0.1, 0.2)]),
    "moco-v2": (None, [(crop(0.2, 1.0), 0.5, jitter(0.4, 0.4, 0.4, 0.1), 0.8, 0.2, 0.5, 0.0)]),
    "multi-crop": (None, [(crop(0.14, 1.0), *SWAV)] * 2 + [(crop(0.05, 0.14), *SWAV)] * 2),
    "simclr 0.5": (0.5, [(crop(0.08, 1.0), 0.5, jitter(0.4, 0.4, 0.4, 0.1), 0.8, 0.2, 0.5, 0.0)]),
}


def moments(values):
    values = torch.tensor(values, dtype=torch.float64)
    return [values.mean().item(), values.std(unbiased=False).item()]


def view(cropping, flip, jittering, jitter_probability, grey, blur, solarize):
    image = torch.zeros(3, SIDE, SIDE)
    boxes = [cropping.get_params(image, cropping.scale, cropping.ratio) for _ in range(DRAWS)]
    factors = [
        T.ColorJitter.get_params(jittering.brightness, jittering.contrast, jittering.saturation, jittering.hue)[1:]
        for _ in range(DRAWS)
    ]
    drawn = {
        "area": moments([h * w / SIDE**2 for _, _, h, w in boxes]),
        "log_ratio": moments([math.log(w / h) for _, _, h, w in boxes]),
        "top": moments([top / SIDE for top, _, _, _ in boxes]),
        "left": moments([left / SIDE for _, left, _, _ in boxes]),
    }
    for name, column in zip(["brightness_factor", "contrast", "saturation", "hue"], zip(*factors)):
        drawn[name] = moments(list(column))
    shares = {"flip": flip, "colour": jitter_probability, "grey": grey, "blur": blur, "solarize": solarize}
    return {"drawn": drawn, "shares": shares}


def main():
    torch.manual_seed(0)
    cases = []
    for name, (strength, views) in RECIPES.items():
        cases.append({"preset": name.split()[0], "strength": strength, "views": [view(*one) for one in views]})
    print(json.dumps({"side": SIDE, "draws": DRAWS, "cases": cases}, indent=1))


if __name__ == "__main__":
    main()
