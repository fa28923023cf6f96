"""The plot of the README: the demo's table in docs/results.md as dots with intervals.

    python3 scripts/demo_plot.py        # writes docs/demo.svg
"""

import re
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"
NAMES = {
    "random": "nothing (untrained encoder)",
    "real": "real images",
    "synthetic-tx": "generated images",
    "synthetic-gaussian": "generated views (step in latent space)",
}
LEFT, RIGHT, TOP, ROW, WIDTH = 270, 20, 44, 34, 720
LOW, HIGH = 40.0, 95.0
SERIES = [("10 labels per class", "#d97706", 0), ("20-NN", "#059669", 160), ("linear probe", "#2563eb", 240)]


def rows():
    """Of each arm of the first table: (mean, half the interval) of linear, 20-NN and 10 labels per class."""
    for line in (DOCS / "results.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        name = re.search(r"\(`([a-z-]+)`\)$", cells[0])
        numbers = [re.fullmatch(r"\**([\d.]+) ± ([\d.]+)\**", cell) for cell in cells[1:]]
        if name and name[1] in NAMES and len(numbers) == 3 and all(numbers):
            yield name[1], [tuple(map(float, number.groups())) for number in numbers]


def x(value):
    return LEFT + (value - LOW) / (HIGH - LOW) * (WIDTH - LEFT - RIGHT)


def main():
    found = dict(rows())
    assert list(found) == list(NAMES), f"docs/results.md: expected the demo's four arms, got {list(found)}"
    bottom = TOP + ROW * len(found)
    parts = []
    for value in range(40, 100, 10):
        parts.append(f'<path d="M{x(value):.1f} {TOP - 8}V{bottom}" stroke="#e5e7eb"/>')
        parts.append(f'<text x="{x(value):.1f}" y="{bottom + 18}" text-anchor="middle" fill="#4b5563">{value} %</text>')
    for name, colour, at in SERIES:
        parts.append(f'<circle cx="{LEFT + 8 + at}" cy="18" r="5" fill="{colour}"/>')
        parts.append(f'<text x="{LEFT + 18 + at}" y="23" fill="#1f2937">{name}</text>')
    for row, (arm, (linear, neighbours, few)) in enumerate(found.items()):
        y = TOP + ROW * row + ROW / 2 - 4
        parts.append(f'<text x="{LEFT - 14}" y="{y + 5}" text-anchor="end" fill="#1f2937">{NAMES[arm]}</text>')
        for (mean, half), (_, colour, _) in zip((few, neighbours, linear), SERIES):
            parts.append(f'<path d="M{x(mean - half):.1f} {y}H{x(mean + half):.1f}" stroke="{colour}" stroke-width="3" opacity="0.5"/>')
            parts.append(f'<circle cx="{x(mean):.1f}" cy="{y}" r="5" fill="{colour}"/>')
    height = bottom + 30
    (DOCS / "demo.svg").write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="Helvetica, Arial, sans-serif" '
        'font-size="13" role="img" aria-label="Accuracy on real letters by what the encoder learnt from">'
        f'<rect width="{WIDTH}" height="{height}" rx="10" fill="#ffffff"/>' + "\n".join(parts) + "</svg>\n"
    )


main()
