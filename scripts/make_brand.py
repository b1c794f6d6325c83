"""Draw the integration's brand images: a house with a pulse that turns into a bolt.

Run with `.venv/bin/python scripts/make_brand.py` after changing the drawing.
"""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

BRAND = Path(__file__).parent.parent / "custom_components" / "energy_homes" / "brand"

# Drawn several times too large and scaled down, for smooth edges.
OVERSAMPLED = 4
UNIT = 256

type Colour = tuple[int, int, int]

ROOF_TOP: Colour = (28, 181, 164)
ROOF_BOTTOM: Colour = (10, 110, 150)
PULSE: Colour = (255, 255, 255)
SPARK: Colour = (255, 199, 44)
INK: Colour = (24, 50, 66)
INK_DARK: Colour = (236, 244, 246)

# The outline of the house and the line of the pulse, in 256ths of the picture.
HOUSE = ((128, 26), (240, 124), (212, 124), (212, 222), (44, 222), (44, 124), (16, 124))
PULSE_LEFT = ((44, 158), (66, 158), (78, 130), (90, 176), (98, 158), (120, 158))
PULSE_RIGHT = ((150, 158), (212, 158))
BOLT = (
    (146, 92),
    (110, 164),
    (134, 164),
    (122, 208),
    (166, 140),
    (141, 140),
    (158, 92),
)


def scaled(points: tuple[tuple[int, int], ...], size: int) -> list[tuple[float, float]]:
    """Return points of the 256 grid in pixels."""
    return [(x * size / UNIT, y * size / UNIT) for x, y in points]


def round_polygon(
    mask: Image.Image, points: list[tuple[float, float]], radius: float
) -> None:
    """Fill a polygon in a mask, its corners rounded outwards by the radius."""
    draw = ImageDraw.Draw(mask)
    draw.polygon(points, fill=255)
    draw.line([*points, points[0], points[1]], fill=255, width=round(2 * radius))
    for x, y in points:
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)


def round_line(
    mask: Image.Image, points: list[tuple[float, float]], width: float
) -> None:
    """Draw a line with round ends and corners in a mask."""
    draw = ImageDraw.Draw(mask)
    draw.line(points, fill=255, width=round(width))
    radius = width / 2
    for x, y in points:
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)


def gradient(size: int, top: Colour, bottom: Colour) -> Image.Image:
    """Return a square that fades from one colour to another."""
    column = Image.new("RGB", (1, size))
    for y in range(size):
        share = y / (size - 1)
        column.putpixel(
            (0, y),
            (
                round(top[0] + (bottom[0] - top[0]) * share),
                round(top[1] + (bottom[1] - top[1]) * share),
                round(top[2] + (bottom[2] - top[2]) * share),
            ),
        )
    return column.resize((size, size))


def icon(size: int) -> Image.Image:
    """Return the icon in a square of that many pixels."""
    large = size * OVERSAMPLED
    picture = Image.new("RGBA", (large, large), (0, 0, 0, 0))

    house = Image.new("L", (large, large), 0)
    round_polygon(house, scaled(HOUSE, large), large * 10 / UNIT)
    picture.paste(gradient(large, ROOF_TOP, ROOF_BOTTOM), (0, 0), house)

    pulse = Image.new("L", (large, large), 0)
    for part in (PULSE_LEFT, PULSE_RIGHT):
        round_line(pulse, scaled(part, large), large * 9 / UNIT)
    # The line ends at the walls, not in the air beside them.
    inside = Image.new("L", (large, large), 0)
    ImageDraw.Draw(inside).rectangle(
        (large * 34 / UNIT, 0, large * 222 / UNIT, large), fill=255
    )
    clipped = Image.new("L", (large, large), 0)
    clipped.paste(pulse, (0, 0), inside)
    picture.paste(Image.new("RGB", (large, large), PULSE), (0, 0), clipped)

    halo = Image.new("L", (large, large), 0)
    round_polygon(halo, scaled(BOLT, large), large * 9 / UNIT)
    picture.paste(gradient(large, ROOF_TOP, ROOF_BOTTOM), (0, 0), halo)
    bolt = Image.new("L", (large, large), 0)
    round_polygon(bolt, scaled(BOLT, large), large * 2 / UNIT)
    picture.paste(Image.new("RGB", (large, large), SPARK), (0, 0), bolt)

    return picture.resize((size, size), Image.Resampling.LANCZOS)


def logo(height: int, ink: Colour) -> Image.Image:
    """Return the icon with the name beside it, as high as told."""
    large = height * OVERSAMPLED
    font = ImageFont.load_default(size=round(large * 0.46))
    left, top, right, bottom = font.getbbox("Energy Homes")
    gap = large * 0.10
    width = round(large + gap + (right - left) + large * 0.06)
    picture = Image.new("RGBA", (width, large), (0, 0, 0, 0))
    picture.paste(icon(large), (0, 0))
    ImageDraw.Draw(picture).text(
        (large + gap - left, (large - (bottom - top)) / 2 - top),
        "Energy Homes",
        font=font,
        fill=ink,
        stroke_width=large * 0.006,
        stroke_fill=ink,
    )
    return picture.resize(
        (round(width / OVERSAMPLED), height), Image.Resampling.LANCZOS
    )


def main() -> None:
    """Write all pictures."""
    BRAND.mkdir(exist_ok=True)
    for suffix, factor in (("", 1), ("@2x", 2)):
        square = icon(256 * factor)
        square.save(BRAND / f"icon{suffix}.png", optimize=True)
        square.save(BRAND / f"dark_icon{suffix}.png", optimize=True)
        logo(128 * factor, INK).save(BRAND / f"logo{suffix}.png", optimize=True)
        logo(128 * factor, INK_DARK).save(
            BRAND / f"dark_logo{suffix}.png", optimize=True
        )


if __name__ == "__main__":
    main()
