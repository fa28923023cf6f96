"""From a font file to 26 pictures of 28 x 28 pixels, white on black."""

import numpy
from PIL import Image, ImageDraw, ImageFont

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SIDE = 28
BOX = 22  # pixels of the longer side of a letter
GREY_LEVELS = 32  # what is left of 256, for files a third smaller
LEAST_BRIGHTNESS = 112  # of the brightest pixel; hairlines fainter than this are hardly seen
EM_PIXELS = 320  # about ten times the final size, antialiased too; then exact area averages


def render_face(path):
    """(26, 28, 28) bytes, or the reason (a string) why the font cannot be used.

    Each letter is scaled as a whole until its longer side is 22 pixels, and its bounding box is centred.
    """
    try:
        font = ImageFont.truetype(path, EM_PIXELS, layout_engine=ImageFont.Layout.BASIC)
        pictures = [_render_letter(font, letter) for letter in LETTERS]
    except (OSError, ValueError, MemoryError) as error:
        return f"cannot be rendered: {error}"
    if any(picture is None for picture in pictures):
        return "a letter is empty or far too large"
    if min(picture.max() for picture in pictures) < LEAST_BRIGHTNESS:
        return "hairlines that nearly vanish"
    if len({picture.tobytes() for picture in pictures}) < len(LETTERS):
        return "the same picture for different letters"
    return numpy.stack(pictures)


def _render_letter(font, letter):
    left, top, right, bottom = font.getbbox(letter)
    if right <= left or bottom <= top or max(right - left, bottom - top) > 8 * EM_PIXELS:
        return None
    canvas = Image.new("L", (right - left + 8, bottom - top + 8))
    ImageDraw.Draw(canvas).text((4 - left, 4 - top), letter, fill=255, font=font)
    inked = canvas.getbbox()
    if inked is None:
        return None
    glyph = numpy.asarray(canvas.crop(inked), dtype=numpy.float64)
    pixels_per_sample = BOX / max(glyph.shape)
    down, across = (_area_weights(samples, pixels_per_sample) for samples in glyph.shape)
    steps = numpy.rint(down @ glyph @ across.T * ((GREY_LEVELS - 1) / 255))
    return numpy.rint(steps * (255 / (GREY_LEVELS - 1))).astype(numpy.uint8)


def _area_weights(samples, pixels_per_sample):
    """(28, samples): the share of each pixel that each sample covers, the samples centred."""
    edges = (SIDE - samples * pixels_per_sample) / 2 + pixels_per_sample * numpy.arange(samples + 1)
    pixels = numpy.arange(SIDE)[:, None]
    return numpy.clip(numpy.minimum(edges[1:], pixels + 1) - numpy.maximum(edges[:-1], pixels), 0, None)
