#!/usr/bin/env python3
"""Renews the tables of docs/studies/README.md from the comparison.json files beside it.

    python3 scripts/studies_summary.py

Each table stands between `<!-- table MEASURE STUDY... -->` and `<!-- end -->` (`MEASURE@equal-time` for the arms at the
reference's training time): arms in rows, a column for each
study and data set, the mean over seeds in % and, in brackets, the difference to what the arm is compared with and its 95 %
interval in points; bold where its corrected p is below 0.05. Only the standard library is needed.
"""

import json
import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "docs" / "studies"


def cell(arm, data, measure):
    score = arm["scores"].get(data, {}).get(measure)
    if score is None:
        return "–"
    text = f"{100 * score['mean']:.1f}"
    minus = arm["minus_reference"].get(data, {}).get(measure)
    if minus is None:
        return text
    interval = f" [{100 * minus['low']:+.1f}, {100 * minus['high']:+.1f}]" if minus["low"] is not None else ""
    difference = f"{100 * minus['difference']:+.1f}{interval}"
    told = minus.get("p_holm") is not None and minus["p_holm"] < 0.05
    return f"{text} (**{difference}**)" if told else f"{text} ({difference})"


def table(measure, studies):
    measure, _, at_equal_time = measure.partition("@")
    comparisons = [(study, json.loads((FOLDER / f"{study}.json").read_text())) for study in studies if (FOLDER / f"{study}.json").exists()]
    columns = [(comparison, data) for _, comparison in comparisons for data in comparison["data"]]
    arms_of = lambda comparison: (comparison.get("equal_time") or {"arms": []} if at_equal_time else comparison)["arms"]
    names = []
    for comparison, _ in columns:
        names += [arm["name"] for arm in arms_of(comparison) if arm["name"] not in names]
    lines = ["| arm | " + " | ".join(data for _, data in columns) + " |", "|---|" + "---|" * len(columns)]
    for name in names:
        cells = []
        for comparison, data in columns:
            arm = next((arm for arm in arms_of(comparison) if arm["name"] == name), None)
            cells.append(cell(arm, data, measure) if arm else "–")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def renewed(match):
    _, measure, *studies = match.group(1).split()
    return f"<!-- {match.group(1)} -->\n{table(measure, studies)}\n<!-- end -->"


page = FOLDER / "README.md"
text = page.read_text()
page.write_text(re.sub(r"<!-- (table [^>]*?) -->.*?<!-- end -->", renewed, text, flags=re.DOTALL))
