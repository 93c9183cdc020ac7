"""What is attached to a mail is taken out, named safely and bounded."""

from email.message import EmailMessage, Message
from email.policy import default

import pytest

from roadworthy.ingestion import media
from roadworthy.ingestion.attachments import DEEPEST, attachments_of
from roadworthy.ingestion.limits import Limits
from roadworthy.ingestion.parse import parse


def mail(text="See below.", *files, subject="Offer"):
    """A mail with attached files, each (name, content), and mails."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ana@acme.test", "bo@acme.test", subject
    message.set_content(text)
    for each in files:
        if isinstance(each, EmailMessage):
            message.add_attachment(each)
        else:
            name, content = each
            message.add_attachment(
                content.encode(), maintype="text", subtype="plain", filename=name
            )
    return message


def taken(message, most=50):
    found, notes = attachments_of(message.as_bytes(), media_type=media.EML, most=most)
    return {each.name: each.content.decode() for each in found}, notes


def test_files_are_taken_out_with_their_bytes_and_the_mail_keeps_its_text():
    message = mail("The offer.", ("offer.txt", "12 crowns"), ("größe.txt", "Maß"))
    assert taken(message) == ({"offer.txt": "12 crowns", "größe.txt": "Maß"}, ())
    document = parse(message.as_bytes(), name="m.eml")
    assert "The offer." in document.text
    assert "12 crowns" not in document.text
    assert [each.name for each in document.attachments] == ["offer.txt", "größe.txt"]


def test_a_mail_that_only_brings_a_file_is_read():
    document = parse(mail("", ("offer.txt", "12 crowns")).as_bytes(), name="m.eml")
    assert len(document.attachments) == 1


def test_a_forwarded_mail_is_part_of_the_text_and_its_files_are_taken():
    inner = mail("Inner text.", ("plan.txt", "the plan"), subject="Inner")
    document = parse(mail("Outer text.", inner, ("a.txt", "one")).as_bytes(), name="m.eml")
    assert [each.name for each in document.attachments] == ["plan.txt", "a.txt"]
    assert "Outer text." in document.text
    assert document.text.count("Inner text.") == 1


def test_a_mail_attached_as_a_file_is_one_and_has_its_files_below_its_name():
    inner = mail("Inner text.", ("plan.txt", "the plan")).as_bytes().decode()
    document = parse(mail("Outer text.", ("old.eml", inner)).as_bytes(), name="m.eml")
    assert [each.name for each in document.attachments] == ["old.eml", "old.eml/plan.txt"]
    assert "Inner text." not in document.text
    assert "Inner text." in parse(document.attachments[0].content, name="old.eml").text


def test_mails_in_mails_end_somewhere():
    message = mail("0", ("plan.txt", "the plan"))
    for depth in range(DEEPEST + 2):
        message = mail(str(depth), ("old.eml", message.as_bytes().decode()))
    found, [note] = taken(message)
    assert "too many mails in mails" in note
    assert not any(name.endswith("plan.txt") for name in found)


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\secret\\plan.txt", "plan.txt"),
        ("/", "attachment"),
        ("..", "attachment"),
        ("a\x00\x1bb.txt", "ab.txt"),
        ("x" * 999 + ".txt", "x" * 196 + ".txt"),
    ],
)
def test_a_name_stays_within_its_mail(told, named):
    assert list(taken(mail("Hi", (told, "text")))[0]) == [named]


def test_files_of_one_name_are_told_apart_and_copies_are_taken_once():
    found, _ = taken(mail("Hi", ("a.txt", "one"), ("a.txt", "two"), ("b.txt", "one")))
    assert found == {"a.txt": "one", "a-2.txt": "two"}


def test_only_so_many_are_taken_and_a_note_says_so():
    files = [(f"{n}.txt", f"text {n}") for n in range(5)]
    found, [note] = taken(mail("Hi", *files), most=3)
    assert (len(found), note) == (3, "2 attachments beyond the first 3 were left out.")
    limits = Limits(attachments=0)
    assert parse(mail("Hi", *files).as_bytes(), name="m.eml", limits=limits).attachments == ()


def test_a_picture_within_the_text_is_no_attachment():
    message = mail("Hi", ("a.txt", "one"))
    logo = EmailMessage()
    logo.set_content(b"\x89PNG", maintype="image", subtype="png", filename="logo.png")
    logo["Content-ID"] = "<logo>"
    logo.replace_header("Content-Disposition", 'inline; filename="logo.png"')
    message.attach(logo)
    assert list(taken(message)[0]) == ["a.txt"]


def test_a_damaged_header_costs_no_more_than_what_it_names():
    broken = mail("Hi", ("a.txt", "one")).as_bytes().replace(b'"a.txt"', b"=?x-none?q?=ff?=")
    found, _ = attachments_of(broken, media_type=media.EML, most=50)
    assert [each.content for each in found] == [b"one"]


def test_what_lies_beyond_the_limit_is_counted_but_not_decoded(monkeypatch):
    files = [(f"{n}.txt", f"text {n}") for n in range(300)]
    written = mail("Hi", *files, ("old.eml", mail("Inner", *files[:2]).as_bytes().decode()))
    content, decoded, get = written.as_bytes(), [], Message.get_payload

    def counted(part, i=None, decode=False):
        decoded.extend([part] * decode)
        return get(part, i, decode)

    monkeypatch.setattr(Message, "get_payload", counted)
    found, notes = attachments_of(content, media_type=media.EML, most=3)
    assert (len(found), len(decoded)) == (3, 3)
    assert notes == ("298 attachments beyond the first 3 were left out.",)


def test_a_header_is_parsed_thoroughly_only_of_what_is_taken(monkeypatch):
    content = mail("Hi", *[(f"{n}.txt", f"text {n}") for n in range(300)]).as_bytes()
    parsed, parse_header = [], default.header_factory.__class__.__call__

    def counted(factory, name, value):
        parsed.append(name)
        return parse_header(factory, name, value)

    monkeypatch.setattr(default.header_factory.__class__, "__call__", counted)
    attachments_of(content, media_type=media.EML, most=3)
    assert 0 < len(parsed) <= 3 * 5


def test_files_in_a_second_mail_of_one_name_are_below_it():
    inner = [mail("In", ("a.txt", text)).as_bytes().decode() for text in ("one", "two")]
    found, _ = taken(mail("Hi", ("old.eml", inner[0]), ("old.eml", inner[1])))
    assert list(found) == ["old.eml", "old.eml/a.txt", "old-2.eml", "old-2.eml/a.txt"]
