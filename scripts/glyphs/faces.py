"""Font files that Debian packages installed, one `Face` each."""

import dataclasses
import pathlib
import re
import subprocess

from fontTools.ttLib import TTFont

FONT_ENDINGS = (".otf", ".ttf", ".pfb", ".t1")
# Words of a family name that tell a style, not a design: "Lato Light" is a face of "Lato".
STYLE_WORDS = """
    thin hairline ultralight extralight light semilight book regular roman normal medium demi demibold semibold
    bold extrabold ultrabold black heavy ultra fat italic oblique slanted upright cond condensed semicondensed
    narrow compressed compact wide extended expanded outline solid shadow inline filled fill hollow
    cd lt ex extra semi titling style nrml normal caps sc smallcaps display caption headline subhead small
    std pro otf ttf brk reg
""".split()
# Families whose fonts have a family name each, with optical size, weight or rotation appended.
SIZED_FAMILIES = ("drm", "frc", "ocrb", "yoz", "newcmuncial", "aemroman", "newcomputermodern")


@dataclasses.dataclass(frozen=True, order=True)
class Face:
    """One style of a typeface: a font file."""

    family: str
    style: str
    weight: int
    italic: bool
    package: str
    path: str


def packages_of(list_file):
    """Names of packages, one or more per line; `#` starts a comment."""
    lines = pathlib.Path(list_file).read_text(encoding="utf-8").splitlines()
    return sorted({name for line in lines for name in line.split("#")[0].split()})


def installed_versions(packages):
    """Version of each package that is installed."""
    query = ["dpkg-query", "--show", "--showformat=${Package} ${Version} ${db:Status-Status}\\n", *packages]
    rows = subprocess.run(query, capture_output=True, text=True, check=False).stdout.splitlines()
    return {name: version for name, version, status in map(str.split, rows) if status == "installed"}


def font_files(package):
    """The font files of a package, sorted; links are left out, because their target is another package's."""
    listing = subprocess.run(["dpkg-query", "--listfiles", package], capture_output=True, text=True, check=True)
    paths = (pathlib.Path(line) for line in listing.stdout.splitlines())
    return sorted(p for p in paths if p.suffix.lower() in FONT_ENDINGS and p.is_file() and not p.is_symlink())


def read_face(path, package):
    """The face in a font file, or the reason (a string) why it cannot be used."""
    return _type1_face(path, package) if path.suffix.lower() in (".pfb", ".t1") else _sfnt_face(path, package)


def _sfnt_face(path, package):
    try:
        with TTFont(path, lazy=True) as font:
            characters = font.getBestCmap() or {}
            if any(code not in characters for code in range(ord("A"), ord("Z") + 1)):
                return "no A to Z in its character map"
            if not any(table in font for table in ("glyf", "CFF ", "CFF2")):
                return "no outlines"
            names = font["name"]
            family = names.getDebugName(16) or names.getDebugName(1)
            style = names.getDebugName(17) or names.getDebugName(2) or "Regular"
            weight = font["OS/2"].usWeightClass if "OS/2" in font else 400
    except Exception as error:  # fontTools raises many kinds on damaged files
        return f"unreadable: {error}"
    return _face(family or path.stem, style, weight, package, path)


def _type1_face(path, package):
    header = path.read_bytes()[:65536].decode("latin-1")
    found = {key: re.search(rf"/{key}\s*\(([^)]*)\)", header) for key in ("FamilyName", "FullName", "Weight")}
    if not found["FamilyName"]:
        return "Type 1 without a family name"
    family = found["FamilyName"].group(1)
    style = found["FullName"].group(1).removeprefix(family).strip() if found["FullName"] else ""
    words = f"{style} {found['Weight'].group(1) if found['Weight'] else ''}".lower()
    weight = 700 if "bold" in words else 900 if "black" in words or "heavy" in words else 400
    return _face(family, style or "Regular", weight, package, path)


def _face(family, style, weight, package, path):
    family = " ".join("".join(c if c.isprintable() else " " for c in family).replace(",", " ").split())
    italic = any(word in style.lower() for word in ("italic", "oblique", "slanted"))
    style = " ".join(style.replace(",", " ").split())
    return Face(family, style, weight, italic, package, str(path))


def design_name(family):
    """The family name without words for styles, foundry brackets and case: equal for styles of one design."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", family)
    words = re.sub(r"[^a-z0-9]+", " ", spaced.lower()).split()
    kept = [word for word in words if word not in STYLE_WORDS]
    joined = "".join(kept or words)
    return next((first for first in SIZED_FAMILIES if joined.startswith(first)), joined)
