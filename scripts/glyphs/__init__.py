"""How the embedded data set `glyphs` is made; `scripts/make_glyphs.py` is the entry point."""
