"""Recognise the text in a picture of a page; needs the extra `ocr`.

The models read Latin script with its accents, and Chinese and Japanese. They know no Cyrillic,
Greek, Arabic, Hebrew or Indic script: such a page gives little, at a low confidence.
"""

import importlib.util
import os
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from roadworthy.core.errors import Invalid
from roadworthy.gateway.engine.catalogue import Weights
from roadworthy.gateway.engine.weights import verified
from roadworthy.ingestion.reading_order import arranged
from roadworthy.ingestion.runs import Run

if TYPE_CHECKING:
    from PIL.Image import Image
    from rapidocr import RapidOCR

LONGEST_SIDE = 2000  # pixels of a page; the models want no more
UNCERTAIN = 0.85  # confidence of a page below which its text should not be trusted
PAPER, MARGIN = 216, 40  # from so light a grey on it is paper; pixels left around the ink
LEAST_SCORE = 0.5  # a line below is noise, such as the letters seen in a photograph

# Named one by one, because the library would download whatever is missing or altered.
MODELS = {  # what finds lines, what tells upside-down ones, what reads them
    stage: Weights(
        package="rapidocr", distribution="rapidocr", path=f"models/{file}.onnx", sha256=sha256
    )
    for stage, file, sha256 in (
        (
            "Det",
            "PP-OCRv6_det_small",
            "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
        ),
        (
            "Cls",
            "ch_ppocr_mobile_v2.0_cls_mobile",
            "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c",
        ),
        (
            "Rec",
            "PP-OCRv6_rec_small",
            "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
        ),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognisedText:
    """The text seen in a picture, in reading order."""

    text: str
    confidence: float  # 0 to 1, the mean over its letters; 0 when there is no text


def is_installed() -> bool:
    """Tell whether text recognition can be done here."""
    return importlib.util.find_spec("rapidocr") is not None


def missing(name: str) -> Invalid:
    """Say that a file needs text recognition, which is not installed."""
    return Invalid(
        f"{name} is a picture of text, and text recognition is not installed; install "
        "roadworthy[ocr], then upload it again",
        name=name,
        reason="needs_ocr",
    )


def recognised(picture: "Image") -> RecognisedText:
    """Read the text in a picture.

    Takes about 9 processor seconds for a full page.

    Raises:
        Unavailable: the models in the package are not the known ones.
    """
    from rapidocr.utils.output import RapidOCROutput  # noqa: PLC0415 - an extra

    found = _engine()(np.asarray(_inked(picture))[:, :, ::-1])
    if not isinstance(found, RapidOCROutput) or found.boxes is None:
        return RecognisedText(text="", confidence=0.0)
    texts, scores = found.txts or (), found.scores or []
    runs = [_run(box, text) for box, text in zip(found.boxes, texts, strict=True)]
    letters = sum(map(len, texts))
    sure = sum(float(score) * len(text) for text, score in zip(texts, scores, strict=True))
    return RecognisedText(text=arranged(runs), confidence=round(sure / max(letters, 1), 3))


def _inked(picture: "Image") -> "Image":
    """Cut off the empty margins: a single short line on a whole page is not seen otherwise."""
    ink = picture.convert("L").point([255] * PAPER + [0] * (256 - PAPER))
    box = ink.getbbox() or (0, 0, *picture.size)
    left, top, right, bottom = box
    wide, high = picture.size
    return picture.crop(
        (
            max(left - MARGIN, 0),
            max(top - MARGIN, 0),
            min(right + MARGIN, wide),
            min(bottom + MARGIN, high),
        )
    )


def _run(corners: np.ndarray, text: str) -> Run:
    left, top = corners.min(axis=0)
    right, bottom = corners.max(axis=0)
    return Run(
        left=float(left), top=float(top), right=float(right), bottom=float(bottom), text=text
    )


@cache  # it takes half a second and 300 MB to load
def _engine() -> "RapidOCR":
    from rapidocr import RapidOCR  # noqa: PLC0415 - an extra

    threads = max(1, (os.cpu_count() or 2) - 1)
    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.text_score": LEAST_SCORE,
            "EngineConfig.onnxruntime.intra_op_num_threads": threads,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            **{f"{stage}.model_path": str(verified(model)) for stage, model in MODELS.items()},
        }
    )
