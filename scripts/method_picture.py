"""The picture of the README: real views of the embedded generator on their way to an encoder.

    python3 scripts/method_picture.py [target/release/zview]        # writes docs/method.svg
"""

import base64
import random
import subprocess
import sys
import tempfile
from pathlib import Path

ZVIEW = sys.argv[1] if len(sys.argv) > 1 else "target/release/zview"
OUT = Path(__file__).parent.parent / "docs/method.svg"
ANCHORS, VIEWS, SIDE = 3, 3, 56
COLOURS = ["#2563eb", "#d97706", "#059669"]


def views():
    """ANCHORS lists of VIEWS images (PNG), the anchor first."""
    with tempfile.TemporaryDirectory() as folder:
        command = [ZVIEW, "sample", "--generator", "glyphs-gan-conditional", "--std", "0.8", "--seed", "8", "--anchors"]
        command += [str(ANCHORS), "--per-anchor", str(VIEWS), "--device", "cpu", "--out", f"{folder}/views"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        files = sorted(Path(folder).rglob("*.png"), key=lambda path: path.name)
        images = [base64.b64encode(path.read_bytes()).decode() for path in files]
    return [images[at * VIEWS : (at + 1) * VIEWS] for at in range(ANCHORS)]


def text(x, y, words, size=15, weight="normal", anchor="middle", fill="#1f2937"):
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" fill="{fill}">'
        f"{words}</text>"
    )


def arrow(x, y, to):
    return f'<path d="M{x} {y}H{to - 8}" stroke="#6b7280" stroke-width="2" marker-end="url(#head)"/>'


def dots(x, y, colour, spread, draw):
    """A filled dot (the anchor) and its neighbours."""
    parts = [f'<circle cx="{x}" cy="{y}" r="6" fill="{colour}"/>']
    for _ in range(VIEWS - 1):
        dx, dy = (draw.choice([-1, 1]) * draw.uniform(0.5, 1) * spread for _ in range(2))
        parts.append(f'<circle cx="{x + dx:.1f}" cy="{y + dy:.1f}" r="6" fill="none" stroke="{colour}" stroke-width="2"/>')
    return "".join(parts)


def main():
    draw = random.Random(3)
    top, step = 62, SIDE + 14
    middle = top + (ANCHORS * step - 14) / 2
    parts = []
    titles = [(85, "latents"), (313, "generated views"), (505, "encoder"), (655, "features"), (862, "judged by")]
    parts += [text(x, 34, title, 16, "bold") for x, title in titles]
    parts.append(f'<rect x="20" y="{top - 8}" width="130" height="{ANCHORS * step + 2}" rx="10" fill="#f3f4f6"/>')
    parts.append(f'<rect x="602" y="{top - 8}" width="115" height="{ANCHORS * step + 2}" rx="10" fill="#f3f4f6"/>')
    for row, (images, colour) in enumerate(zip(views(), COLOURS)):
        y = top + row * step + SIDE / 2
        x = [60, 108, 75][row]
        parts.append(f'<circle cx="{x}" cy="{y}" r="27" fill="{colour}" opacity="0.12"/>')
        parts.append(dots(x, y, colour, 18, draw))
        parts.append(arrow(155, y, 208))
        for column, image in enumerate(images):
            at = 212 + column * (SIDE + 12)
            parts.append(
                f'<image x="{at}" y="{y - SIDE / 2}" width="{SIDE}" height="{SIDE}" '
                f'style="image-rendering:pixelated" href="data:image/png;base64,{image}"/>'
                f'<rect x="{at}" y="{y - SIDE / 2}" width="{SIDE}" height="{SIDE}" fill="none" stroke="{colour}" '
                'stroke-width="2.5"/>'
            )
        parts.append(arrow(417, y, 452))
        parts.append(dots([640, 690, 625][row], y, colour, 10, draw))
    bottom = top + ANCHORS * step - 14
    parts.append(
        f'<path d="M456 {top}L554 {top + 42}V{bottom - 42}L456 {bottom}Z" fill="#e5e7eb" stroke="#6b7280" stroke-width="2"/>'
    )
    parts += [arrow(560, middle, 598), arrow(722, middle, 775)]
    parts.append(f'<rect x="780" y="{middle - 44}" width="164" height="88" rx="10" fill="#ffffff" stroke="#6b7280" stroke-width="2"/>')
    parts += [text(862, middle + dy, words, 14) for dy, words in [(-16, "a linear probe"), (5, "on real, labelled"), (26, "test images")]]
    captions = [(85, "neighbours of an anchor"), (313, "one anchor a row"), (660, "views of an anchor together")]
    parts += [text(x, bottom + 34, words, 13, fill="#4b5563") for x, words in captions]
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 964 300" font-family="Helvetica, Arial, sans-serif" role="img" '
        'aria-label="Neighbouring latents are drawn as views, an encoder is trained to bring the views of one anchor '
        'together, and a linear probe on real images judges it">'
        '<defs><marker id="head" markerWidth="8" markerHeight="8" refX="1" refY="4" orient="auto">'
        '<path d="M0 0L7 4L0 8Z" fill="#6b7280"/></marker></defs>'
        '<rect width="964" height="300" rx="12" fill="#ffffff"/>' + "\n".join(parts) + "</svg>\n"
    )
    OUT.write_text(svg)


main()
