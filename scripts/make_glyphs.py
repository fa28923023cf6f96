#!/usr/bin/env python3
"""Makes the embedded data set `glyphs`: the letters A to Z as free typefaces of Debian packages draw them.

    python3 scripts/make_glyphs.py --out assets/glyphs --sheet docs/glyphs.png
    python3 scripts/make_glyphs.py --out DIR --misread      # the families that a network misreads (needs torch)

Needs the packages of scripts/glyphs/packages.txt (their installation is printed if one is absent), and
numpy, pillow and fonttools. Same packages and same versions of these: same bytes. Writes MNIST's four files and
provenance.csv; the README beside them tells what was decided and why.
"""

import argparse
import collections
import csv
import pathlib
import sys

import numpy

from glyphs import contact_sheet, faces, families, groups, idx_files, render

DATA = pathlib.Path(__file__).with_name("glyphs")
# One designer with 430 display fonts would be half of the set: of a source with more families than this, a
# seeded choice is taken.
FAMILIES_PER_SOURCE = 64


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--out", type=pathlib.Path, required=True)
    arguments.add_argument("--sheet", type=pathlib.Path)
    arguments.add_argument("--misread", action="store_true")
    options = arguments.parse_args()

    packages = faces.packages_of(DATA / "packages.txt")
    versions = faces.installed_versions(packages)
    absent = sorted(set(packages) - set(versions))
    if absent:
        sys.exit(f"missing packages, get them with:\napt-get install --no-install-recommends {' '.join(absent)}")

    left_out = collections.Counter()
    chosen = distinct_families(packages, left_out)
    likeness = groups.likeness_of_families(chosen)
    group = groups.group_families(chosen, likeness)
    in_test = numpy.array(groups.split_of_groups(chosen, group))
    if options.misread:
        return tell_misread(chosen, group)

    options.out.mkdir(parents=True, exist_ok=True)
    seen, rows, files = set(), [], []
    for split, stem, of_split in (("train", "train", ~in_test), ("test", "t10k", in_test)):
        pictures, labels = [], []
        for at in numpy.flatnonzero(of_split):
            new = unseen_pictures(chosen[at], seen)
            pictures += [picture for picture, _ in new]
            labels += [label for _, label in new]
            rows.append(provenance(chosen[at], group[at], split, versions, len(new)))
        files += idx_files.write_split(
            options.out, stem, numpy.stack(pictures), numpy.array(labels, dtype=numpy.uint8))
        print(f"{split}: {int(of_split.sum())} families, {len(labels)} images")
    with open(options.out / "provenance.csv", "w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, rows[0], lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    if options.sheet:
        train, test = ([chosen[at] for at in numpy.flatnonzero(side)] for side in (~in_test, in_test))
        contact_sheet.contact_sheet(options.sheet, train, test)

    first, second = numpy.unravel_index(
        numpy.where(~in_test[:, None] & in_test[None, :], likeness, -1).argmax(), likeness.shape)
    print(f"{len(set(group))} groups; most alike across the split: {chosen[first].name} and "
          f"{chosen[second].name}, {likeness[first, second]:.3f}")
    drawn = sum(len(family.faces) for family in chosen) * len(render.LETTERS)
    print(f"{drawn} pictures drawn, {drawn - len(seen)} of them left out because the same was there already")
    for reason, number in sorted(left_out.items()):
        print(f"left out: {number} {reason}")
    for name, size, sha256 in files:
        print(f"{sha256}  {name}  {size} bytes")


def distinct_families(packages, left_out):
    """The families of the set: readable, free, no clones, not too many of one source."""
    all_faces = []
    for package in packages:
        for path in faces.font_files(package):
            face = faces.read_face(path, package)
            if isinstance(face, str):
                left_out[f"font files: {face.split(':')[0]}"] += 1
            else:
                all_faces.append(face)
    with open(DATA / "excluded.csv", encoding="utf-8", newline="") as file:
        excluded = {row["family"]: row["reason"] for row in csv.DictReader(file)}

    def tell(kind, face, reason):
        left_out[f"faces ({kind}): {reason.split(':')[0]}"] += 1

    type1_folders = set(faces.packages_of(DATA / "type1.txt"))
    found = list(families.choose_families(all_faces, type1_folders, excluded, tell))
    kept, clones = groups.drop_clones(found, groups.likeness_of_families(found))
    left_out["families: clones of another one"] = len(clones)
    chosen = groups.at_most_per_source([found[at] for at in kept], FAMILIES_PER_SOURCE)
    left_out["families: beyond the share of their source"] = len(kept) - len(chosen)
    return chosen


def unseen_pictures(family, seen):
    """(picture, label) face by face, A to Z, without pictures that any family had before."""
    new = []
    for face in family.pictures:
        for label, picture in enumerate(face):
            if picture.tobytes() not in seen:
                seen.add(picture.tobytes())
                new.append((picture, label))
    return new


def provenance(family, group, split, versions, images):
    return {
        "family": family.name,
        "faces": "; ".join(face.style for face in family.faces),
        "files": "; ".join(pathlib.Path(face.path).name for face in family.faces),
        "package": family.package,
        "version": versions[family.package],
        "licence": family.licence,
        "group": group,
        "split": split,
        "images": images,
    }


def tell_misread(chosen, group):
    from glyphs import reading

    shares = reading.misread_shares(chosen, group)
    for at in numpy.argsort(-shares.mean(axis=1), kind="stable"):
        letters = "".join(numpy.array(list(render.LETTERS))[shares[at] > 0])
        print(f"{shares[at].mean():.3f}  {chosen[at].name}  {letters}")


if __name__ == "__main__":
    main()
