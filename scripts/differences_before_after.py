#!/usr/bin/env python3
"""How many differences of the studies are significant before and after variances are shared over arms.

    python3 scripts/differences_before_after.py [COMMIT]        # needs SciPy; COMMIT has docs/studies as they were (98e0fb9)

Of the files in docs/studies, by the linear probe and the fewest labels per class, at equal updates and at equal time. The
variance over test images is what the old interval has beside its seeds. Before: each difference by its own variance over
seeds (Cochran and Cox), Holm over the arms and data sets of a measure. After: the other trained arms' spread counts for four
degrees of freedom, p is never below that of the seeds alone, Holm over both measures. What seeds add on single images is in
both parts here, because single images are not in these files: `zview compare` takes it off, and finds a little more.
"""

import json
import subprocess
import sys

from scipy.optimize import brentq
from scipy.stats import t as student


def half_width(level, of_seeds, degrees, of_images, groups):
    total = of_seeds + of_images
    if total <= 0:
        return 0.0
    quantile = student.ppf(1 - level / 2, degrees)
    both = (of_seeds * quantile + of_images * student.ppf(1 - level / 2, groups)) / total**0.5
    return both, quantile * of_seeds**0.5


def p_value(difference, bounded, *error):
    def beyond(log_level):
        both, seeds = half_width(10**log_level, *error)
        return (max(both, seeds) if bounded else both) - abs(difference)

    return 1.0 if beyond(0) > 0 else 10 ** brentq(beyond, -14, 0) if beyond(-14) > 0 else 1e-14


def holm(p_values):
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    corrected, worst = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        worst = max(worst, min(1.0, p_values[i] * (len(p_values) - rank)))
        corrected[i] = worst
    return corrected


def mean(values):
    return sum(values) / len(values)


def variance(values):
    middle = mean(values)
    return sum((value - middle) ** 2 for value in values) / (len(values) - 1)


def rest_of(table, pair):
    """Residual sum of squares of arms by seeds without the part of a pair's difference, and its degrees of freedom."""
    arms, seeds = len(table), len(next(iter(table.values())))
    of_seed = [mean([values[s] for values in table.values()]) for s in range(seeds)]
    whole = mean(of_seed)
    residual = {a: [v[s] - mean(v) - of_seed[s] + whole for s in range(seeds)] for a, v in table.items()}
    squares = sum(r * r for row in residual.values() for r in row)
    own = sum((residual[pair[0]][s] - residual[pair[1]][s]) ** 2 for s in range(seeds)) / 2
    return max(squares - own, 0.0), (arms - 2) * (seeds - 1)


def differences(arms, reference):
    data_sets = {data for arm in arms for data in arm["scores"]}
    for data in sorted(data_sets):
        keys = [key for arm in arms for key in arm["scores"].get(data, {})]
        few = sorted({int(k.split("_")[2]) for k in keys if k.startswith("few_shot_") and k.split("_")[2].isdigit() and len(k.split("_")) == 3})
        for key in ["linear"] + [f"few_shot_{few[0]}"] * bool(few):
            values = {a["name"]: a["scores"][data][key]["seeds"] for a in arms if key in a["scores"].get(data, {})}
            untrained = [a["name"] for a in arms if a["steps"] == 0 and a["name"] in values]
            level = max([mean(values[name]) for name in untrained], default=-1)
            trained = {n: v for n, v in values.items() if mean(v) > level and len(v) == len(next(iter(values.values())))}
            for arm in arms:
                of = arm["minus_reference"].get(data, {}).get(key)
                if not of or of.get("p_value") is None:
                    continue
                other = arm.get("against") or reference
                pairs = [a - b for a, b in zip(values[arm["name"]], values[other])]
                count = len(pairs)
                width = (of["high"] - of["low"]) / 2
                own = variance(pairs)
                wider = lambda images: half_width(0.05, own / count, count - 1, images, 1e6)[0] - width
                of_images = brentq(wider, 0, 1) if wider(0) < 0 else 0.0
                groups = 97 if data == "glyphs" else 1e4
                degrees = count - 1
                if arm["name"] in trained and other in trained:
                    squares, of_rest = rest_of(trained, (arm["name"], other))
                    shared = min(4, of_rest)
                    if shared:
                        own = (shared * 2 * squares / of_rest + degrees * own) / (shared + degrees)
                        degrees += shared
                p_after = p_value(of["difference"], True, own / count, degrees, of_images, groups)
                yield data, key, arm["name"], other, of, p_after


def main():
    commit = sys.argv[1] if len(sys.argv) > 1 else "98e0fb9"
    git = lambda *words: subprocess.run(["git", *words], capture_output=True, text=True, check=True).stdout
    files = [f for f in git("ls-tree", "--name-only", commit, "docs/studies/").split() if f.endswith(".json")]
    total, before, after, lost, gained = 0, 0, 0, [], []
    by_measure = {}
    for file in files:
        study = json.loads(git("show", f"{commit}:{file}"))
        families = [("", study["arms"])]
        if study.get("equal_time"):
            families.append((" at equal time", study["equal_time"]["arms"]))
        for when, arms in families:
            found = list(differences(arms, study["reference"]))
            for (data, key, arm, other, of, _), p in zip(found, holm([f[-1] for f in found])):
                was, now = of["p_holm"] < 0.05, p < 0.05
                counts = by_measure.setdefault("linear" if key == "linear" else "few labels", [0, 0, 0])
                counts[0] += 1
                counts[1] += was
                counts[2] += now
                name = file.split("/")[-1][:-5] + when
                line = f"{name}: {arm} minus {other}, {key} on {data}: {100 * of['difference']:+.1f} points, p {of['p_holm']:.3f} to {p:.3f}"
                (gained if now and not was else lost if was and not now else []).append(line)
    print("| measure | differences | significant before | after |\n|---|---|---|---|")
    for measure, (count, was, now) in by_measure.items():
        print(f"| {measure} | {count} | {was} | {now} |")
    print("\nNo longer significant:\n" + "\n".join(f"- {line}" for line in lost))
    print("\nSignificant now:\n" + "\n".join(f"- {line}" for line in gained))


main()
