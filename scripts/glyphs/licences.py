"""The licence of a font file, as its Debian package states it."""

import csv
import fnmatch
import functools
import gzip
import pathlib
import re

DOCUMENTS = pathlib.Path("/usr/share/doc")
# What TeX Live's catalogue calls a licence -> how the table spells it. Of fonts and macros it lists both.
CATALOGUE = {
    "ofl": "OFL-1.1",
    "gfl": "GUST-Font-License",
    "gfsl": "GUST-Font-Source-License",
    "apache2": "Apache-2.0",
    "pd": "public-domain",
    "cc-by-4": "CC-BY-4.0",
}
# Spellings in DEP-5 files -> one spelling.
SPELLINGS = {
    "sil-ofl-1.1": "OFL-1.1",
    "sil-1.1": "OFL-1.1",
    "ofl": "OFL-1.1",
    "ofl 1.1": "OFL-1.1",
    "ofl-1.1-rfn": "OFL-1.1",
    "sil open font license": "OFL-1.1",
    "sil_open_font_license_1.1": "OFL-1.1",
    "open font license 1.0": "OFL-1.0",
    "expat": "MIT",
    "madduck-special-license": "aenigma permission of 2008 (use; change; redistribute; with attribution)",
    "bitstream": "Bitstream-Vera",
    "bitstream-vera": "Bitstream-Vera",
    "bitstreamvera": "Bitstream-Vera",
    "bitstream-vera-copyright": "Bitstream-Vera",
    "bitstream-vera-fonts": "Bitstream-Vera",
    "bsd3|sil": "BSD-3-Clause or OFL-1.1",
    "bsd-3-clause": "BSD-3-Clause",
    "apache-2": "Apache-2.0",
    "cc-by-3.0 and bitstream": "CC-BY-3.0 and Bitstream-Vera",
    "gpl-2.0": "GPL-2",
    "gpl-2.0+": "GPL-2+",
    "gpl-3.0+": "GPL-3+",
    "gpl3+-with-font-exception": "GPL-3+ with font exception",
    "gpl-3+fontexception or ofl-1.1": "GPL-3+ with font exception or OFL-1.1",
    "gpl-2+fe": "GPL-2+ with font exception",
    "gpl-2+ with font exception": "GPL-2+ with font exception",
    "gpl-3+fontexception": "GPL-3+ with font exception",
    "gpl-3+_with-font-exception": "GPL-3+ with font exception",
    "gpl-3+ with special font exception": "GPL-3+ with font exception",
}
REFUSED = re.compile(r"other-free|knuth|CC-BY-1|unknown|nosource|noinfo|CC-BY-N|NonComm|^other$|^$", re.IGNORECASE)


@functools.cache
def _overrides():
    """Licences that were read by a person, by package or TeX package: licences.csv."""
    with open(pathlib.Path(__file__).with_name("licences.csv"), encoding="utf-8", newline="") as file:
        return {row["package"]: row["licence"] for row in csv.DictReader(file)}


def tex_package(path):
    """The folder of a font in a TeX tree (`fira`), which mostly is its TeX Live package; else nothing."""
    parts = pathlib.PurePath(path).parts
    return parts[-2] if "texmf-dist" in parts else None


def licence_of(path, package):
    """The licence of a font file, or nothing if it is not stated or not a free one."""
    overrides = _overrides()
    folder = tex_package(path)
    if folder:
        found = overrides.get(folder) or _catalogue(package).get(path.split("/texmf-dist/")[1])
        if found and folder not in overrides:
            found = " and ".join(_catalogue_spelling(name) for name in found.split())
    else:
        found = overrides.get(package) or _dep5(package, path)
        found = SPELLINGS.get((found or "").lower(), found)
    return None if found is None or REFUSED.search(found) else found


def _catalogue_spelling(name):
    if name.startswith(("lppl", "gpl")):
        family = "LPPL" if name.startswith("lppl") else "GPL"
        version = name[len(family):]
        return f"{family}-{version}" if version else family
    return CATALOGUE.get(name, name.upper() if name in ("mit", "bsd") else name)


class _Patterns:
    def __init__(self, pairs):
        self.pairs = pairs

    def get(self, name):
        """The licence of the first pattern that is a prefix folder or a whole name."""
        for folder, licence in self.pairs:
            if name == folder or name.startswith(folder.removesuffix("*")) and folder.endswith("*"):
                return licence
        return None


@functools.cache
def _catalogue(package):
    """TeX Live's own table of licences, which Debian ships as Licenses.gz: blocks of a name and its files."""
    pairs, licence = [], None
    for line in gzip.open(DOCUMENTS / package / "Licenses.gz", "rt", encoding="utf-8"):
        if match := re.fullmatch(r"([\w.+-]+): *(.*)", line.strip()):
            licence = match.group(2)
        elif line.startswith("texmf-dist/fonts/") and licence:
            pairs.append((line.strip().removeprefix("texmf-dist/"), licence))
    return _Patterns(pairs)


@functools.cache
def _stanzas(package):
    path = DOCUMENTS / package / "copyright"
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    if not text.lstrip().lower().startswith("format"):
        match = re.search(r"SIL OPEN FONT LICENSE\s+Version 1\.([01])", text, re.IGNORECASE)
        return [(["*"], f"OFL-1.{match.group(1)}")] if match else []
    stanzas = []
    for block in re.split(r"\n\s*\n", text):
        files = re.search(r"^Files:\s*((?:.*\n)(?:[ \t]+.*\n)*)", block, re.MULTILINE)
        licence = re.search(r"^License:[ \t]*(.*)", block, re.MULTILINE)
        if files and licence:
            patterns = re.sub(r"[,\n]", " ", files.group(1)).split()
            stanzas.append((patterns, " ".join(licence.group(1).split())))
    return stanzas


def _dep5(package, path):
    """The last matching stanza wins, as the format says; patterns are compared by file name at least."""
    name = pathlib.PurePath(path).name
    found = None
    for patterns, licence in _stanzas(package):
        for pattern in patterns:
            if pattern.startswith("debian/"):
                continue
            if pattern in ("*", "./*") or fnmatch.fnmatch(name, pathlib.PurePath(pattern).name):
                whole_folder = pathlib.PurePath(pattern).name == "*" and pattern not in ("*", "./*")
                if not whole_folder or found is None:
                    found = licence
    return found
