"""From a bare start, three people get the answers that are theirs, through every door."""

import json

import httpx
import openai
import pytest

BOARD_ONLY = "What is the walk-away price for Quellsteg Sensorik?"
FOR_ALL = "How much may a hotel in a capital city cost per night?"
EXPECTED = [
    pytest.param(FOR_ALL, "sam", "EUR 190", id="everyone-sam"),
    pytest.param(FOR_ALL, "rosalind", "EUR 190", id="everyone-rosalind"),
    pytest.param(BOARD_ONLY, "sam", None, id="board-sam"),
    pytest.param(BOARD_ONLY, "claire", None, id="board-claire"),
    pytest.param(BOARD_ONLY, "rosalind", "EUR 15.5 million", id="board-rosalind"),
]
SECRET = "15.5"


def check(text, citations, gold):
    if gold is None:
        assert SECRET not in text
        assert not any(c["document_name"].startswith("board/") for c in citations)
    else:
        assert gold in text
        assert any(gold in citation["quote"] for citation in citations)
        assert all(f"[{citation['number']}]" in text for citation in citations)


@pytest.mark.parametrize(("question", "person", "gold"), EXPECTED)
def test_by_command_line(started, question, person, gold):
    answer = json.loads(started.cli("ask", question, "--as", person, "--json"))
    check(answer["text"], answer["citations"], gold)


@pytest.mark.parametrize(("question", "person", "gold"), EXPECTED)
def test_by_http(started, question, person, gold):
    response = httpx.post(
        f"{started.url}/v1/answers",
        json={"question": question},
        headers=started.headers(person),
        timeout=60,
    )
    answer = response.raise_for_status().json()
    check(answer["text"], answer["citations"], gold)


@pytest.mark.parametrize(("question", "person", "gold"), EXPECTED)
def test_by_http_stream(started, question, person, gold):
    events = []
    with httpx.stream(
        "POST",
        f"{started.url}/v1/answers",
        json={"question": question, "stream": True},
        headers=started.headers(person),
        timeout=60,
    ) as response:
        name = ""
        for line in response.iter_lines():
            if line.startswith("event:"):
                name = line.removeprefix("event:").strip()
            if line.startswith("data:"):
                events.append((name, json.loads(line.removeprefix("data:"))))
    text = "".join(data["text"] for name, data in events if name == "text")
    assert events[-1][0] == "end"
    assert events[-1][1]["text"] == text
    check(text, [data for name, data in events if name == "citation"], gold)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("question", "person", "gold"), EXPECTED)
def test_by_the_openai_client(started, question, person, gold, stream):
    with openai.OpenAI(base_url=f"{started.url}/v1", api_key=started.key(person)) as client:
        asked = {"model": "default", "messages": [{"role": "user", "content": question}]}
        if stream:
            chunks = list(client.chat.completions.create(**asked, stream=True))
            text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
            extension = next(e for c in chunks if (e := (c.model_extra or {}).get("roadworthy")))
        else:
            answer = client.chat.completions.create(**asked)
            text, extension = answer.choices[0].message.content, answer.model_extra["roadworthy"]
    check(text, extension["citations"], gold)


def test_a_folder_is_read_by_whom_it_was_given_to(started, tmp_path):
    folder = tmp_path / "contracts"
    folder.mkdir()
    (folder / "boat.md").write_text("# Boat\n\nThe harbour boat is rented from Odalys Quen.")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    told = started.cli("ingest", str(folder), "--group", "legal", code=2)
    assert "broken.pdf" in told
    question = "From whom is the harbour boat rented?"
    assert "Odalys Quen" in started.cli("ask", question, "--as", "claire")
    assert "Odalys" not in started.cli("ask", question, "--as", "sam")


def test_a_lost_membership_holds_on_the_next_call(started):
    key = started.cli("key", "create", "--user", "tess", "--groups", "board", "--clearance", "2")
    [key] = [word for word in key.split() if word.startswith("rw_")]

    def found() -> int:
        response = httpx.post(
            f"{started.url}/v1/search",
            json={"question": BOARD_ONLY, "limit": 20},
            headers={"authorization": f"Bearer {key}"},
            timeout=60,
        )
        hits = response.raise_for_status().json()["hits"]
        return sum(hit["document_name"].startswith("board/") for hit in hits)

    assert found() > 0
    started.cli("key", "create", "--user", "tess", "--groups", "support")
    assert found() == 0
