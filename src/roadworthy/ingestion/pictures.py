"""Open a picture file page by page, within bounds, whatever its header claims."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from roadworthy.ingestion import media
from roadworthy.ingestion.limits import Limits, check_pages, check_pixels
from roadworthy.ingestion.recognition import LONGEST_SIDE

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP")


def pages_of(content: bytes, limits: Limits, *, name: str) -> Iterator[tuple[Image.Image, int]]:
    """Yield the pages of a picture file, upright, their longer side at most LONGEST_SIDE.

    Yields: each page, and how many there are in all.

    Raises:
        Invalid: it is damaged, or has too many pixels or pages.
    """
    with _opened(content, name) as picture:
        check_pixels(*picture.size, name=name)
        # An animation says nothing more than its first picture.
        frames = getattr(picture, "n_frames", 1) if picture.format == "TIFF" else 1
        check_pages(frames, limits.scanned_pages, name=name, setting="max_scanned_pages")
        for number, frame in enumerate(ImageSequence.Iterator(picture)):
            if number == frames:
                break
            check_pixels(*frame.size, name=name)
            yield _prepared(frame, name), frames


@contextmanager
def _opened(content: bytes, name: str) -> Iterator[Image.Image]:
    with warnings.catch_warnings():
        # check_pixels does what these warn of.
        warnings.simplefilter("ignore")
        Image.MAX_IMAGE_PIXELS = None
        try:
            picture = Image.open(io.BytesIO(content), formats=FORMATS)
        except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
            raise media.broken(name) from error
        with picture:
            yield picture


def _prepared(frame: Image.Image, name: str) -> Image.Image:
    try:
        frame.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
        upright = ImageOps.exif_transpose(frame)
        if upright.has_transparency_data:
            paper = Image.new("RGBA", upright.size, "white")
            upright = Image.alpha_composite(paper, upright.convert("RGBA"))
        page = upright.convert("RGB")
        page.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    except (OSError, ValueError, SyntaxError, IndexError) as error:
        raise media.broken(name) from error
    return page
