"""Groups of families that draw nearly the same letters, and the split by group."""

import hashlib

import numpy

from .families import unit_vectors
from .licences import tex_package

# Mean over the letters of the pixel correlation of two faces. Above CLONE the two are one design under two
# names and the second is dropped; above SAME_GROUP they are so near that they go to the same side of the split.
CLONE = 0.985
SAME_GROUP = 0.95
TEST_SHARE = 0.2
SEED = "zview glyphs 1"


def likeness_of_families(families):
    """(F, F): the largest likeness of a face of one family and a face of the other; 1 is the same picture."""
    owner = numpy.repeat(numpy.arange(len(families)), [len(family.faces) for family in families])
    vectors = unit_vectors(numpy.concatenate([family.pictures for family in families]))
    vectors = vectors.reshape(len(owner), -1) / vectors.shape[1] ** 0.5
    starts = numpy.searchsorted(owner, numpy.arange(len(families)))
    rows = [numpy.maximum.reduceat(vectors[owner == at] @ vectors.T, starts, axis=1).max(axis=0)
            for at in range(len(families))]
    return numpy.stack(rows)


def drop_clones(families, likeness):
    """Indices of the families to keep, and (index, kept index) of those that are clones of a kept one.

    A package of its own goes before TeX Live's, then the alphabet decides.
    """
    kept, dropped = [], []
    order = sorted(range(len(families)), key=lambda at: (families[at].package.startswith("texlive"), at))
    for at in order:
        clone_of = next((other for other in kept if likeness[at, other] > CLONE), None)
        if clone_of is None:
            kept.append(at)
        else:
            dropped.append((at, clone_of))
    return sorted(kept), dropped


def group_families(families, likeness):
    """The group number of each family: linked by likeness, or by a name that begins with the other's."""
    group = list(range(len(families)))

    def root(at):
        while group[at] != at:
            at = group[at]
        return at

    for first, one in enumerate(families):
        for second, other in enumerate(families[:first]):
            shorter, longer = sorted((one.design, other.design), key=len)
            related = len(shorter) >= 5 and longer.startswith(shorter)
            if related or likeness[first, second] > SAME_GROUP:
                group[root(first)] = root(second)
    return [root(at) for at in range(len(families))]


def split_of_groups(families, group):
    """True for each family of the test split: groups in the order of a seeded hash, until a fifth is reached."""
    members = {}
    for at, number in enumerate(group):
        members.setdefault(number, []).append(at)

    def drawn(number):
        names = min(families[at].design for at in members[number])
        return hashlib.sha256(f"{SEED}/{names}".encode()).hexdigest()

    in_test, wanted = set(), round(TEST_SHARE * len(families))
    for number in sorted(members, key=drawn):
        if len(in_test) + len(members[number]) <= wanted:
            in_test.update(members[number])
    return [at in in_test for at in range(len(families))]


def at_most_per_source(families, most):
    """The families, of a package or TeX folder with more than `most` only those first by a seeded hash."""
    sources = {}
    for at, family in enumerate(families):
        sources.setdefault(tex_package(family.faces[0].path) or family.package, []).append(at)

    def drawn(at):
        return hashlib.sha256(f"{SEED}/source/{families[at].design}".encode()).hexdigest()

    kept = [at for members in sources.values() for at in sorted(members, key=drawn)[:most]]
    return [families[at] for at in sorted(kept)]
