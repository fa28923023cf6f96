"""Golden file of crates/data: parts of a picture brought to a size, as PIL has them.

    python3 scripts/golden_crops.py [crates/data/tests/golden/crops]

Needs Pillow and NumPy. The picture is made by a formula that the test has too. The file has the crops of CROPS one after
the other, (H, W, C) bytes: `resize((S, S), BILINEAR, box)`; then shorter side to R and centre S x S, bicubic, of
CENTRES, as torchvision's `Resize(R)` and `CenterCrop(S)` have it.
"""

import sys

import numpy as np
from PIL import Image

W, H = 61, 47
CROPS = [((0, 0, 61, 47), 16), ((10.25, 3.5, 44.75, 30.125), 24), ((20, 20, 29, 27), 32), ((0.1, 0.2, 60.9, 46.8), 7)]
CENTRES = [(24, 16), (56, 40)]

y, x, c = np.mgrid[:H, :W, :3]
picture = Image.fromarray(((x * x * 3 + y * 7 + x * y + c * 83) % 251).astype(np.uint8))
content = b""
for box, size in CROPS:
    content += np.asarray(picture.resize((size, size), Image.BILINEAR, box)).tobytes()
for resize, size in CENTRES:
    short = min(W, H)
    whole = picture.resize(tuple(resize if side == short else int(resize * side / short) for side in (W, H)), Image.BICUBIC)
    left, top = (int(round((side - size) / 2.0)) for side in whole.size)
    content += np.asarray(whole.crop((left, top, left + size, top + size))).tobytes()
open(sys.argv[1] if len(sys.argv) > 1 else "crates/data/tests/golden/crops", "wb").write(content)
