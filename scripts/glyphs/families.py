"""From faces to families: which package a family is taken from, and which of its faces are drawn."""

import collections
import dataclasses

import numpy

from .faces import design_name
from .licences import licence_of, tex_package
from .render import render_face

FACES_PER_FAMILY = 2
# Faces of one family at least this different (1 - mean correlation over the letters) are worth two drawings.
LEAST_DIFFERENCE = 0.2
SMALL_CAPITALS = ("smallcaps", "small caps", "smcp", " sc", "-sc", "caps")


@dataclasses.dataclass
class Family:
    """A typeface with the faces that were drawn."""

    name: str
    design: str
    package: str
    licence: str
    faces: list
    pictures: numpy.ndarray  # (faces, 26, 28, 28) bytes


def unit_vectors(pictures):
    """(..., 26, 784) pixels of each letter with mean 0 and norm 1, as float32."""
    pixels = pictures.reshape(*pictures.shape[:-2], -1).astype(numpy.float32)
    pixels -= pixels.mean(axis=-1, keepdims=True)
    return pixels / numpy.linalg.norm(pixels, axis=-1, keepdims=True)


def choose_families(faces, type1_folders, excluded, tell):
    """One `Family` per design, in their order; `tell(kind, face, reason)` hears what is left out."""
    by_design = collections.defaultdict(lambda: collections.defaultdict(list))
    for face in sorted(faces):
        if face.family in excluded:
            tell("excluded", face, excluded[face.family])
            continue
        folder = tex_package(face.path)
        if folder and face.path.endswith((".pfb", ".t1")) and folder not in type1_folders:
            continue
        by_design[design_name(face.family)][face.package, folder or ""].append(face)
    for design, sources in sorted(by_design.items()):
        # A package of its own before TeX Live's copy.
        for source in sorted(sources, key=lambda source: (source[0].startswith("texlive"), source)):
            family = _draw(design, sources[source], tell)
            if family:
                yield family
                break


def _draw(design, faces, tell):
    drawn, licence = [], None
    for face in sorted(faces, key=_plainness):
        if any(words in f"{face.family} {face.style}".lower() for words in SMALL_CAPITALS) and drawn:
            continue
        own = licence_of(face.path, face.package)
        if own is None or licence not in (None, own):
            tell("licence", face, "no free licence found" if own is None else "other licence than the family")
            continue
        pictures = render_face(face.path)
        if isinstance(pictures, str):
            tell("render", face, pictures)
            continue
        licence = own
        drawn.append((face, pictures))
    if not drawn:
        return None
    chosen = _most_different(drawn)
    first = chosen[0][0]
    return Family(first.family, design, first.package, licence, [face for face, _ in chosen],
                  numpy.stack([pictures for _, pictures in chosen]))


def _plainness(face):
    """Sorts the regular upright face first."""
    return (face.italic, abs(face.weight - 400), len(face.style), face)


def _most_different(drawn):
    """The plainest face, then each time the one least like those chosen."""
    vectors = unit_vectors(numpy.stack([pictures for _, pictures in drawn])).reshape(len(drawn), -1) / 26**0.5
    likeness = vectors @ vectors.T
    chosen = [0]
    while len(chosen) < min(FACES_PER_FAMILY, len(drawn)):
        nearest = likeness[:, chosen].max(axis=1)
        candidate = int(nearest.argmin())
        if nearest[candidate] > 1 - LEAST_DIFFERENCE:
            break
        chosen.append(candidate)
    return [drawn[index] for index in chosen]
