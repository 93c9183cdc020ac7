"""The condition of a corpus as one HTML page, which needs nothing beside it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape

from roadworthy.corpus.condition import Condition, Tally

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
       color: #1c2430; background: #fff; }
h1 { margin-bottom: 0; } h2 { margin-top: 2.2rem; } .at { color: #5b6673; margin-top: 0; }
table { border-collapse: collapse; width: 100%; } caption { text-align: left; color: #5b6673; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid #dde2e8;
         vertical-align: top; overflow-wrap: anywhere; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
.tiles { display: flex; flex-wrap: wrap; gap: 1rem; } .tile { border: 1px solid #dde2e8;
         border-radius: .5rem; padding: .6rem 1rem; min-width: 8rem; }
.tile b { display: block; font-size: 1.6rem; } .pair { display: grid; gap: 2rem;
          grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); }
svg { max-width: 100%; height: auto; } rect { fill: #2f6db5; } text { font: 12px system-ui; }
"""
WIDTH, HEIGHT, GROUND = 640, 200, 170  # of the plot; where its bars stand


def page(condition: Condition) -> str:
    """Write the page; whatever comes from documents is escaped."""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Condition of {escape(condition.corpus)}</title><style>{STYLE}</style></head><body>
<h1>Condition of the corpus “{escape(condition.corpus)}”</h1>
<p class="at">{condition.at:%d %B %Y, %H:%M} UTC</p>
{_tiles(condition)}
<h2>How readable the documents are</h2>
{_plot(condition.scores)}
<h2>Age and language</h2>
<div class="pair">{_table("Age of documents", condition.ages)}
{_table("Language of searchable documents", condition.languages)}</div>
<h2>Size</h2>
<div class="pair">{_table("Longest, in characters", condition.longest)}
{_table("Shortest, in characters", condition.shortest)}</div>
<h2>What the checks found</h2>
<div class="pair">{_table("Verdicts other than a pass", condition.checks)}
{_table("Personal data, secrets, instructions to a model, by type", condition.found)}</div>
<h2>What waits for a decision</h2>
{_kept_back(condition)}
</body></html>
"""


def _tiles(condition: Condition) -> str:
    states = {tally.name: tally.number for tally in condition.states}
    passages, duplicates = condition.passages, condition.duplicates
    told = (
        ("documents", condition.totals.documents),
        ("searchable", states.get("ready", 0)),
        ("kept back", condition.waiting),
        ("failed", states.get("failed", 0)),
        ("copies not stored", duplicates.exact),
        ("near duplicates kept back", duplicates.beaten),
        ("near duplicates searchable", duplicates.standing),
        ("passages", passages.total),
        ("passages a document (median)", _or_none(passages.median)),
        ("repeated lines taken out", condition.lines_removed),
        ("oldest", _day(condition.totals.oldest)),
        ("median age", _day(condition.totals.median)),
        ("newest", _day(condition.totals.newest)),
    )
    tiles = (f'<div class="tile"><b>{value}</b>{name}</div>' for name, value in told)
    return f'<div class="tiles">{"".join(tiles)}</div>'


def _plot(scores: Sequence[int]) -> str:
    """Draw how many documents have which quality, from 0 (unreadable) to 1 (clean)."""
    if not sum(scores):
        return "<p>No document was examined.</p>"
    step = WIDTH / len(scores)
    bars = "".join(_bar(n, count, step=step, most=max(scores)) for n, count in enumerate(scores))
    told = ", ".join(f"{n / len(scores):.1f}: {count}" for n, count in enumerate(scores))
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img" '
        f'aria-label="Documents by quality score. {told}">{bars}</svg>'
        "<p>Documents by quality score, from 0 (unreadable) to 1 (clean).</p>"
    )


def _bar(number: int, count: int, *, step: float, most: int) -> str:
    height = (GROUND - 20) * count / most
    middle = (number + 0.5) * step
    return (
        f'<rect x="{number * step + 3:.1f}" y="{GROUND - height:.1f}" width="{step - 6:.1f}" '
        f'height="{height:.1f}"/>'
        f'<text x="{middle:.1f}" y="{GROUND - height - 5:.1f}" text-anchor="middle">{count}</text>'
        f'<text x="{middle:.1f}" y="{HEIGHT - 10}" text-anchor="middle">'
        f"{number * 0.1:.1f}–{(number + 1) * 0.1:.1f}</text>"
    )


def _table(caption: str, rows: Iterable[Tally]) -> str:
    written = "".join(
        f'<tr><td>{escape(row.name)}</td><td class="number">{row.number:,}</td></tr>'
        for row in rows
    )
    return f"<table><caption>{caption}</caption>{written or '<tr><td>none</td></tr>'}</table>"


def _kept_back(condition: Condition) -> str:
    if not condition.kept_back:
        return "<p>Nothing.</p>"
    rows = "".join(
        f"<tr><td>{escape(each.name)}</td><td>{escape(each.check)}</td>"
        f"<td>{escape(each.reason)}</td></tr>"
        for each in condition.kept_back
    )
    return f"<table><tr><th>Document</th><th>Check</th><th>Reason</th></tr>{rows}</table>"


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "–"


def _or_none(number: int | None) -> str:
    return "–" if number is None else f"{number:,}"
