"""Print the sample corpus and its manifest: `python -m sample.build`.

The same sources give the same bytes, so the committed files can be proven fresh.
"""

import json
import shutil
from pathlib import Path

from sample.formats import PRINT
from sample.source import Source, read_all

FILES = Path(__file__).parents[1] / "src" / "roadworthy" / "sample" / "files"
MANIFEST = "manifest.jsonl"


def manifest_line(source: Source) -> str:
    """Say who may read one file; users stand there only if somebody is named."""
    users = {"users": source.users} if source.users else {}
    facts = {
        "path": source.path,
        "groups": source.groups,
        **users,
        "clearance": source.clearance,
        "language": source.language,
        "metadata": {"title": source.title, "department": source.department},
    }
    return json.dumps(facts, ensure_ascii=False) + "\n"


def build(folder: Path) -> None:
    """Replace what stands in `folder` with the printed corpus."""
    shutil.rmtree(folder, ignore_errors=True)
    sources = read_all()
    for source in sources:
        target = folder / source.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(PRINT[source.format](source))
    lines = "".join(manifest_line(source) for source in sources)
    (folder / MANIFEST).write_text(lines, encoding="utf-8")


if __name__ == "__main__":
    build(FILES)
