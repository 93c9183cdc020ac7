"""Take out what repeats on every page or in every file, and keep a record of it.

Within a file: the lines at the edges of its pages. The first of a repeated line stays, so that
nothing is lost that was meant; page numbers all go. Across the files of a corpus: a run of lines
that begins or ends a text, each of which ends or begins several other files for the same readers.
Headings, table rows and code are never taken.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile

from roadworthy.corpus.policies import CurationPolicy
from roadworthy.corpus.verdicts import CHANGED, FLAGGED, PASS, Verdict
from roadworthy.ingestion.curation.lines import Line, is_structure, line_key, lines
from roadworthy.ingestion.curation.records import Edit, Finding
from roadworthy.ingestion.records import PageSpan, ParsedDocument

CHECK = "boilerplate"
EDGE = 3  # lines at the top and at the bottom of a page that may be its header or footer
LEAST_PAGES, LEAST_SHARE = 3, 0.3  # of the pages must carry a line for it to be a header
LEAST_NUMBERED = 5  # pages, for a line of words in which only the number of the page changes
REACH = 40  # lines at each end of a text that may be shared with other files
SHARED_BY = 5  # other files that must have a line at their edges
LEAST_RUN = 30  # characters of a run that is taken; a lone short line may be a coincidence
MOST_REMOVED = 0.5  # of a text; where more would go it is no frame but the content
NUMBER = re.compile(r"\d+")
SENTENCE_END = re.compile(r"[.!?:;。！？؟]$")
LONGEST_NUMBERED = 200  # characters of a line that may bear the number of its page
PAGE_NUMBER = re.compile(
    r"\W*+(?:page|seite|p[aá]gina|pagina|strona|стр(?:аница)?|صفحة|第|pg?)?\W*+\d{1,4}+\W*+"
    r"[页頁]?\W*+(?:(?:of|von|de|di|sur|из|من|共)?\W*+\d{1,4}+\W*+[页頁]?\W*+)?",
    re.I,
)
# What tells the number of a page from one that says what the page is about, as in "Patient 4".
PAGE_BEFORE = re.compile(
    r"(?<!\w)(?:page|seite|p[aá]gina|strona|стр(?:аница)?|صفحة|pg?)\W{0,3}$", re.I
)
PAGE_AFTER = re.compile(r" ?[页頁]")
MARK_BEFORE = re.compile(r"(?:^\W*|[|·•–—/-] )$")
MARK_AFTER = re.compile(r"\W*+(?:(?:of|von|de|di|sur|из|من|共)?\W*+\d{1,4}\W*+)?$| [|·•–—/-]", re.I)


def edge_keys(document: ParsedDocument) -> list[int]:
    """Name the lines at both ends of a text by which it is compared with other files."""
    return list(dict.fromkeys(line_key(line) for line in [*_head(document), *_foot(document)]))


def examine(
    document: ParsedDocument, policy: CurationPolicy, /, *, shared: Mapping[int, int]
) -> Finding:
    """Find the frame of a document.

    Args:
        shared: of the keys of `edge_keys`, in how many other files for the same readers.
    """
    framed = {line.start: line for line in _of_pages(document)}
    common = {line.start: line for line in _of_files(document, shared)}
    found = sorted((framed | common).values(), key=lambda line: line.start)
    size = sum(len(line.text) for line in found)
    figures = {
        "lines": len(found),
        "characters": size,
        "of_pages": len(framed),
        "of_files": len(common.keys() - framed.keys()),
    }
    if not found or policy.boilerplate == "allow":
        reason = "Nothing repeats at the edges." if not found else "Repeated lines are allowed."
        return Finding(verdicts=(_verdict(PASS, reason, figures),))
    if size > MOST_REMOVED * len(document.text):
        reason = "More than half of the text repeats elsewhere; nothing was taken out."
        return Finding(verdicts=(_verdict(FLAGGED, reason, figures),))
    reason = f"{len(found)} lines that repeat on pages or in other files were taken out."
    return Finding(
        verdicts=(_verdict(CHANGED, reason, figures),),
        edits=[Edit(start=line.start, end=line.end, is_recorded=True) for line in found],
    )


def _verdict(outcome: str, reason: str, figures: Mapping[str, int]) -> Verdict:
    # That other files have a line, too, is for those alone who could read them.
    compared = figures["of_files"] > 0
    return Verdict(
        check=CHECK, outcome=outcome, reason=reason, figures=figures, is_comparison=compared
    )


def _of_pages(document: ParsedDocument) -> Iterator[Line]:
    """Yield headers and footers: in the same edge of several pages, or counting with them."""
    if len(document.pages) < LEAST_PAGES:
        return
    tops: list[tuple[PageSpan, Line]] = []
    bottoms: list[tuple[PageSpan, Line]] = []
    for page in document.pages:
        on_page = list(lines(document.text, page.start, page.end))
        tops += [(page, line) for line in on_page[:EDGE] if not is_structure(line)]
        below = on_page[max(EDGE, len(on_page) - EDGE) :]
        bottoms += [(page, line) for line in below if not is_structure(line)]
    for edge in (tops, bottoms):
        yield from _repeated(edge, pages=len(document.pages))
        yield from _counting(edge, pages=len(document.pages))


def _repeated(edge: Sequence[tuple[PageSpan, Line]], *, pages: int) -> Iterator[Line]:
    seen: set[str] = set()
    counted = Counter(text for _, text in {(page.number, line.text) for page, line in edge})
    for _, line in edge:
        if counted[line.text] >= max(LEAST_PAGES, LEAST_SHARE * pages):
            if line.text in seen:
                yield line
            seen.add(line.text)


def _counting(edge: Sequence[tuple[PageSpan, Line]], *, pages: int) -> Iterator[Line]:
    """Yield lines that differ by the number of their page alone.

    Numbered sentences, such as the articles of a contract, may count with the pages, too.
    """
    alike: defaultdict[str, list[tuple[PageSpan, Line]]] = defaultdict(list)
    for page, line in edge:
        if len(line.text) <= LONGEST_NUMBERED and NUMBER.search(line.text):
            alike[NUMBER.sub("#", line.text)].append((page, line))
    for shape in alike.values():
        sample = shape[0][1].text
        is_page_number = PAGE_NUMBER.fullmatch(sample) is not None
        if not is_page_number and SENTENCE_END.search(sample):
            continue
        least = LEAST_PAGES if is_page_number else max(LEAST_NUMBERED, 0.5 * pages)
        for place, number in enumerate(NUMBER.finditer(sample)):
            farthest = _farthest(sample[: number.start()], sample[number.end() :], pages=pages)
            found = _in_step(shape, place=place, farthest=farthest)
            if len(found) >= max(least, 0.8 * len(shape)):
                yield from found if is_page_number else found[1:]
                break


def _farthest(before: str, after: str, *, pages: int) -> float:
    """Say how far the number of a page may be from its place; below 0 it is of something else."""
    if PAGE_BEFORE.search(before) or PAGE_AFTER.match(after):
        return math.inf
    # Years count with pages, too, but no page bears so high a number by itself.
    return pages if MARK_BEFORE.search(before) and MARK_AFTER.match(after) else -1


def _in_step(shape: Sequence[tuple[PageSpan, Line]], *, place: int, farthest: float) -> list[Line]:
    """Give the lines whose number is ahead of their pages by as much as most are."""
    ahead = [int(NUMBER.findall(line.text)[place][:9]) - page.number for page, line in shape]
    usual, _ = Counter(ahead).most_common(1)[0]
    if abs(usual) > farthest:
        return []
    on = {page.number: line for (page, line), by in zip(shape, ahead, strict=True) if by == usual}
    return list(on.values())


def _of_files(document: ParsedDocument, shared: Mapping[int, int]) -> Iterator[Line]:
    for run in (_head(document), _foot(document)):
        found = list(takewhile(lambda line: shared.get(line_key(line), 0) >= SHARED_BY, run))
        if sum(len(line.text) for line in found) >= LEAST_RUN:
            yield from found


def _head(document: ParsedDocument) -> list[Line]:
    first = list(_some(lines(document.text), REACH + 1))
    # A title may stand before the frame, and is no part of it.
    body = first[1:] if first and is_structure(first[0]) else first[:REACH]
    return list(takewhile(lambda line: not is_structure(line), body))


def _foot(document: ParsedDocument) -> list[Line]:
    start = max(0, len(document.text) - REACH * 400)
    last = [line for line in lines(document.text, start) if start == 0 or line.start > start]
    return list(takewhile(lambda line: not is_structure(line), reversed(last[-REACH:])))


def _some(found: Iterable[Line], most: int) -> Iterator[Line]:
    for _, line in zip(range(most), found, strict=False):
        yield line
