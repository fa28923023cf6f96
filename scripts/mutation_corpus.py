"""Writes tests/mutations/corpus: small files of every kind that zview reads and Python writes. tests/mutations
begins with them and with the golden files of the repository.

    python scripts/mutation_corpus.py tests/mutations/corpus

Needs torch, numpy, pillow and safetensors.
"""

import collections
import pickle
import struct
import sys
import tarfile
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file


class Wrapped(dict):
    """A subclass of dict, as libraries define them."""


def tensors():
    torch.manual_seed(0)
    return collections.OrderedDict(
        (name, torch.randn(shape).to(dtype))
        for name, shape, dtype in [
            ("conv1.weight", (2, 1, 3, 3), torch.float32),
            ("bn1.running_mean", (2,), torch.float64),
            ("bn1.num_batches_tracked", (), torch.int64),
            ("fc.weight", (3, 2), torch.float16),
            ("fc.bias", (3,), torch.bfloat16),
        ]
    )


def torch_files(folder):
    state = tensors()
    weight = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    shared = {"a": weight, "b": weight.t(), "c": weight[1:, ::2], "mask": torch.ones(3, dtype=torch.bool)}
    beside = {
        "state_dict": state,
        "epoch": 3,
        "best": 0.25,
        "classes": {"cat", "dog"},
        "by": collections.defaultdict(list, {("a", 1): [1, 2]}),
        "last": collections.deque([1, 2], maxlen=4),
        "wrapped": Wrapped(x=1),
        "big": 1 << 80,
        "bytes": b"\x00\x01",
        "none": (None, True, -1.5, 2 + 3j),
        "array": np.arange(6, dtype=np.float32).reshape(2, 3),
    }
    opt = torch.optim.Adam([torch.nn.Parameter(weight)])
    beside["optimizer"] = opt.state_dict()
    torch.save(state, folder / "zip.pth")
    torch.save(shared, folder / "shared.pt")
    torch.save(beside, folder / "beside.pth")
    torch.save(beside, folder / "protocol4.pth", pickle_protocol=4)
    torch.save(state, folder / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.save(shared, folder / "legacy-shared.pth", _use_new_zipfile_serialization=False)
    torch.save({"z": torch.complex(weight, weight), "w": weight}, folder / "complex.pth")
    save_file({key: value.contiguous() for key, value in state.items()}, folder / "state.safetensors", {"made": "by"})


def images(folder):
    random = np.random.default_rng(0)
    rgb = Image.fromarray(random.integers(0, 256, (9, 11, 3), dtype=np.uint8))
    alpha = Image.fromarray(random.integers(0, 256, (5, 6, 4), dtype=np.uint8))
    deep = Image.fromarray(random.integers(0, 65536, (5, 6), dtype=np.uint16))
    rgb.save(folder / "rgb.png")
    rgb.convert("L").save(folder / "grey.png")
    rgb.convert("P").save(folder / "palette.png")
    rgb.convert("1").save(folder / "bits.png")
    alpha.save(folder / "alpha.png")
    deep.save(folder / "deep.png")
    rgb.save(folder / "rgb.jpg", quality=90)
    rgb.convert("L").save(folder / "grey.jpg")
    rgb.save(folder / "progressive.jpg", progressive=True)
    rgb.convert("CMYK").save(folder / "cmyk.jpg")
    rgb.save(folder / "restart.jpg", restart_marker_blocks=1)
    exif = Image.Exif()
    exif[0x0112] = 6
    rgb.save(folder / "turned.jpg", exif=exif)
    rgb.save(folder / "lossy.webp")
    rgb.save(folder / "lossless.webp", lossless=True)
    alpha.save(folder / "alpha.webp")
    rgb.convert("P").save(folder / "palette.gif")
    rgb.save(folder / "frames.gif", save_all=True, append_images=[rgb.rotate(90)])
    rgb.save(folder / "rgb.bmp")
    rgb.convert("P").save(folder / "palette.bmp")


def cifar(folder):
    random = np.random.default_rng(1)
    pixels = random.integers(0, 256, (1, 3072), dtype=np.uint8)
    (folder / "cifar10.bin").write_bytes(b"\x03" + pixels.tobytes())
    batch = {b"batch_label": b"one", b"labels": [3], b"data": pixels, b"filenames": [b"a.png"]}
    (folder / "cifar10.pickle").write_bytes(pickle.dumps(batch, protocol=2))
    fine = {b"fine_labels": [7], b"coarse_labels": [1], b"data": pixels, b"filenames": [b"a.png"]}
    (folder / "cifar100.pickle").write_bytes(pickle.dumps(fine, protocol=2))


def web_dataset(folder):
    random = np.random.default_rng(2)
    with tarfile.open(folder / "webdataset.tar", "w", format=tarfile.GNU_FORMAT) as archive:
        def add(name, content):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, BytesIO(content))

        for anchor in range(2):
            for view in range(2):
                picture = BytesIO()
                Image.fromarray(random.integers(0, 256, (4, 4, 3), dtype=np.uint8)).save(picture, "png")
                add(f"{anchor:06}.{view}.png", picture.getvalue())
            add(f"{anchor:06}.cls", b"%d" % anchor)
            add(f"{anchor:06}.json", b'{"prompt": "a", "latents": [0.5, 1.0]}')
    with tarfile.open(folder / "classes.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        for split in ["train", "test"]:
            for name in ["cat", "d" * 120]:
                picture = BytesIO()
                Image.fromarray(random.integers(0, 256, (4, 4), dtype=np.uint8)).save(picture, "png")
                member = tarfile.TarInfo(f"{split}/{name}/one.png")
                member.size = len(picture.getvalue())
                archive.addfile(member, BytesIO(picture.getvalue()))


def idx(folder):
    random = np.random.default_rng(3)
    pixels = random.integers(0, 256, (2, 5, 4), dtype=np.uint8)
    (folder / "images.idx3").write_bytes(struct.pack(">BBBBIII", 0, 0, 8, 3, 2, 5, 4) + pixels.tobytes())
    (folder / "labels.idx1").write_bytes(struct.pack(">BBBBI", 0, 0, 8, 1, 2) + bytes([1, 0]))
    ints = np.array([1, 0], dtype=">i4")
    (folder / "labels-int.idx1").write_bytes(struct.pack(">BBBBI", 0, 0, 0x0C, 1, 2) + ints.tobytes())
    colour = random.integers(0, 256, (2, 5, 4, 3), dtype=np.uint8)
    (folder / "images.idx4").write_bytes(struct.pack(">BBBBIIII", 0, 0, 8, 4, 2, 5, 4, 3) + colour.tobytes())


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for make in [torch_files, images, cifar, web_dataset, idx]:
        make(target)
