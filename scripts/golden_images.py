"""Golden files of crates/data: small images of every kind, and what PIL makes of them.

    python3 scripts/golden_images.py [crates/data/tests/golden]

Needs Pillow and NumPy. Each image NAME has a NAME.rgb beside it: width and height as 16-bit big-endian numbers, then
`ImageOps.exif_transpose(image).convert("RGB")` row by row, R G B; for an image whose mode is grey "1" or "L" (or "LA")
in place of that its "L" values, one byte each. `pickles` are CIFAR's in small, as three Pythons write them.
"""

import io
import pickle
import struct
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

out = Path(sys.argv[1] if len(sys.argv) > 1 else "crates/data/tests/golden")
out.mkdir(parents=True, exist_ok=True)

W, H = 13, 9
y, x = np.mgrid[:H, :W]
rgb = np.stack([x * 255 // (W - 1), y * 255 // (H - 1), (x * 11 + y * 17) % 256], -1).astype(np.uint8)
smooth = np.stack([x * 200 // (W - 1) + 20, y * 180 // (H - 1) + 30, 250 - x * 8 - y * 6], -1).astype(np.uint8)
grey = ((x * 12 + y * 9) % 256).astype(np.uint8)
alpha = ((x * 20 + y * 3) % 256).astype(np.uint8)
colour = Image.fromarray(smooth)


def keep(name, data):
    (out / name).write_bytes(data)
    image = Image.open(io.BytesIO(data))
    is_grey = image.mode in ("1", "L", "LA")
    image = ImageOps.exif_transpose(image).convert("L" if is_grey else "RGB")
    pixels = struct.pack(">HH", *image.size) + image.tobytes()
    (out / f"{name}.rgb").write_bytes(pixels)


def saved(image, kind, **how):
    data = io.BytesIO()
    image.save(data, kind, **how)
    return data.getvalue()


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags.tobytes()


# Colours of all kinds, without loss.
keep("rgb.png", saved(Image.fromarray(rgb), "png"))
keep("palette.png", saved(Image.fromarray(rgb).quantize(16), "png"))
keep("palette-transparent.png", saved(Image.fromarray(rgb).quantize(16), "png", transparency=3))
keep("grey.png", saved(Image.fromarray(grey), "png"))
keep("one-bit.png", saved(Image.fromarray(grey > 99), "png"))
keep("grey-alpha.png", saved(Image.merge("LA", [Image.fromarray(grey), Image.fromarray(alpha)]), "png"))
keep("alpha.png", saved(Image.merge("RGBA", [*Image.fromarray(rgb).split(), Image.fromarray(alpha)]), "png"))
keep("grey-in-rgb.png", saved(Image.fromarray(np.repeat(grey[..., None], 3, 2)), "png"))
frames = [Image.fromarray(np.roll(rgb, shift, 1)) for shift in (0, 4)]
keep("animated.png", saved(frames[0], "png", save_all=True, append_images=frames[1:]))
keep("animated.gif", saved(frames[0].quantize(32), "gif", save_all=True, append_images=[frames[1].quantize(32)]))
keep("plain.gif", saved(Image.fromarray(rgb).quantize(32), "gif"))
keep("colour.bmp", saved(Image.fromarray(rgb), "bmp"))
keep("palette.bmp", saved(Image.fromarray(rgb).quantize(16), "bmp"))
keep("grey.bmp", saved(Image.fromarray(grey), "bmp"))
keep("colour.ppm", saved(Image.fromarray(rgb), "ppm"))
keep("grey.pgm", saved(Image.fromarray(grey), "ppm"))
keep("one-bit.pbm", saved(Image.fromarray(grey > 99), "ppm"))
keep("lossless.webp", saved(Image.fromarray(rgb), "webp", lossless=True))
keep("alpha.webp", saved(Image.merge("RGBA", [*Image.fromarray(rgb).split(), Image.fromarray(alpha | 1)]), "webp", lossless=True))
keep("animated.webp", saved(frames[0], "webp", lossless=True, save_all=True, append_images=frames[1:]))

# 16 bits per colour, which PIL cannot write.
import zlib


def png16(kind, samples):
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", W, H, 16, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


deep = rgb.astype(np.uint16) * 257 // 2 + 77
keep("rgb16.png", png16(2, deep))
keep("rgba16.png", png16(6, np.concatenate([deep, deep[..., :1]], -1)))

# With loss: decoders differ by rounding.
keep("lossy.webp", saved(colour, "webp", quality=90))
for name, how in {"baseline": {}, "progressive": {"progressive": True}, "444": {"subsampling": 0}}.items():
    keep(f"{name}.jpg", saved(colour, "jpeg", quality=95, **how))
keep("grey.jpg", saved(Image.fromarray(grey), "jpeg", quality=95))
cmyk = saved(Image.fromarray(smooth).convert("CMYK"), "jpeg", quality=95)
keep("cmyk.jpg", cmyk)
# The same components said to be YCCK: other colours, but the same for every reader.
at = cmyk.index(b"Adobe")
keep("ycck.jpg", cmyk[: at + 11] + b"\x02" + cmyk[at + 12 :])

# Held in all ways. Tall blocks of one colour, so that JPEG's loss does not matter.
blocks = np.zeros((16, 24, 3), np.uint8)
blocks[:8, :8], blocks[:8, 8:16], blocks[:8, 16:] = (250, 10, 10), (10, 250, 10), (10, 10, 250)
blocks[8:, :8], blocks[8:, 8:16], blocks[8:, 16:] = (250, 250, 10), (10, 250, 250), (128, 128, 128)
for orientation in range(1, 9):
    keep(f"turned-{orientation}.jpg", saved(Image.fromarray(blocks), "jpeg", quality=95, subsampling=0, exif=exif(orientation)))
keep("turned-6.png", saved(Image.fromarray(rgb), "png", exif=exif(6)))
keep("turned-8.webp", saved(Image.fromarray(rgb), "webp", lossless=True, exif=exif(8)))

# CIFAR's values in small.
x = {b"data": np.arange(6, dtype=np.uint8).reshape(2, 3), b"labels": [3, -1], b"names": [b"apple", b"bee"]}
for protocol in 2, 4:
    (out / f"protocol-{protocol}.pickle").write_bytes(pickle.dumps(x, protocol))
labels = np.array([[3, -1], [200, 7]])
x = {"list of numpy's": [np.int64(3), np.int16(-1), np.uint8(200), np.dtype(">i4").type(7)]}
x |= {name: labels.astype(name) for name in ["<i8", ">i8", "<i4", ">i2"]}
x |= {"u1": labels.astype("u1"), "by columns": np.asfortranarray(labels), "floats": labels.astype(float)}
for protocol in 2, 5:
    (out / f"labels-{protocol}.pickle").write_bytes(pickle.dumps(x, protocol))
array = (
    b"cnumpy.core.multiarray\n_reconstruct\nq\x01(cnumpy\nndarray\nq\x02K\x00\x85U\x01btRq\x03"
    b"(K\x01K\x02K\x03\x86cnumpy\ndtype\nq\x04U\x02u1K\x00K\x01\x87Rq\x05"
    b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x06\x00\x01\x02\x03\x04\x05tb"
)
python2 = b"\x80\x02}q\x00(U\x04data" + array + b"U\x06labels]q\x06(K\x03J\xff\xff\xff\xffeU\x05names]q\x07(U\x05appleU\x03beeeu."
assert pickle.loads(python2, encoding="bytes")[b"data"].tolist() == [[0, 1, 2], [3, 4, 5]]
(out / "python-2.pickle").write_bytes(python2)
