"""The picture for the documentation: letters of some families of each split."""

from PIL import Image, ImageDraw, ImageFont

from .render import LETTERS, SIDE

CAPTION = 190


def contact_sheet(path, train, test, rows=12):
    """`rows` families of each split, evenly spaced in their order, with A to Z each."""
    width = CAPTION + len(LETTERS) * SIDE
    sheet = Image.new("L", (width, (2 * rows + 2) * SIDE))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default()
    top = 0
    for title, families in (("TRAIN", train), ("TEST: typefaces that train does not have", test)):
        draw.text((4, top + 9), title, fill=255, font=font)
        draw.line([(0, top + SIDE - 3), (width, top + SIDE - 3)], fill=128)
        top += SIDE
        for row in range(rows):
            family = families[(2 * row + 1) * len(families) // (2 * rows)]
            draw.text((4, top + 9), family.name[:28], fill=190, font=font)
            for at in range(len(LETTERS)):
                sheet.paste(Image.fromarray(family.pictures[0, at]), (CAPTION + at * SIDE, top))
            top += SIDE
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.quantize(32).save(path, optimize=True)
