"""A smaller model is believed as far as the local engine says how sure it is."""

import json
import re

import httpx
import pytest

QUESTION = "How much may a hotel in a capital city cost per night?"
SMOLLM2 = {"endpoint": "chat", "model": "smollm2"}
RELEASE = {
    "answerer": "generate",
    "prompt": "answer-2",
    "route": [SMOLLM2],
    "passages": 1,
    "json_schema": {"enum": [120, 190]},  # it needs few tokens, and no marks
    "cache": False,
}


@pytest.mark.parametrize(
    ("least", "note", "own"),
    [(0.0001, r"believed, ", []), (0.9999, r"doubted: 0\.\d\d sure; ", ["write"])],
    ids=["little-is-asked", "much-is-asked"],
)
def test_it_is_believed_as_far_as_it_is_sure(started, tmp_path, least, note, own):
    first = {"route": [SMOLLM2], "least_confidence": least}
    (tmp_path / "release.json").write_text(json.dumps(RELEASE | {"first_try": first}))
    started.cli("release", "add", str(tmp_path / "release.json"), "--name", f"sure-{least}")
    response = httpx.post(
        f"{started.url}/v1/answers",
        json={"question": QUESTION, "release": f"sure-{least}"},
        headers=started.headers("sam"),
        timeout=60,
    )
    stages = {each["name"]: each for each in response.raise_for_status().json()["stages"]}
    assert re.match(note, stages["first try"]["note"]), stages["first try"]
    assert [name for name in stages if name == "write"] == own
