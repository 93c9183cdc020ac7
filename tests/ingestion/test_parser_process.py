"""A file that hangs, crashes or bloats the parser harms only itself."""

import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

from roadworthy.core.errors import Invalid
from roadworthy.ingestion.parser_process import MIB, ParserProcess

CHILD = [sys.executable, "-P", "-m", "roadworthy.ingestion.parser_process", "1024", "60", "{}"]


@pytest.fixture
def parser():
    process = ParserProcess(timeout_s=30, max_bytes=8 * MIB)
    yield process
    process.close()


def child_of(process):
    return psutil.Process(process._child.pid)


def refusal(process, content, name="a.txt"):
    with pytest.raises(Invalid) as refused:
        process.parse(content, name=name)
    return refused.value


def test_a_document_and_a_refusal_come_back_whole(parser):
    document = parser.parse("# Café\n\nText.".encode(), name="a.md")
    assert (document.text, document.title) == ("# Café\n\nText.", "Café")
    assert refusal(parser, b"  ").facts["reason"] == "empty"
    assert document == parser.parse("# Café\n\nText.".encode(), name="a.md")


def test_a_crash_costs_one_document(parser):
    parser.parse(b"first", name="a.txt")
    child = child_of(parser)
    child.suspend()

    def crash():
        child.send_signal(signal.SIGSEGV)
        child.resume()

    threading.Timer(0.3, crash).start()
    refused = refusal(parser, b"second")
    assert "crashed the parser" in refused.message
    assert refused.facts["reason"] == "crashed"
    assert parser.parse(b"third", name="a.txt").text == "third"


def test_a_child_killed_from_outside_costs_no_document(parser):
    parser.parse(b"first", name="a.txt")
    child = child_of(parser)
    child.suspend()
    threading.Timer(0.3, child.kill).start()
    assert parser.parse(b"second", name="a.txt").text == "second"


def test_a_file_over_which_each_child_is_killed_is_given_up():
    kills = []

    class Doomed(ParserProcess):
        def _ask_child(self, *asked):
            child = self._running()
            child.send_signal(signal.SIGSTOP)
            threading.Timer(0.1, child.kill).start()
            kills.append(child.pid)
            return super()._ask_child(*asked)

    process = Doomed(timeout_s=30)
    assert refusal(process, b"first").facts["reason"] == "crashed"
    assert len(set(kills)) == 3


def test_a_hang_ends_at_the_time_limit(parser):
    parser.parse(b"first", name="a.txt")
    child = child_of(parser)
    child.suspend()
    parser._timeout_s = 0.5
    began = time.monotonic()
    assert refusal(parser, b"second").facts["reason"] == "too_slow"
    assert time.monotonic() - began < 5
    assert not child.is_running()
    parser._timeout_s = 30
    assert parser.parse(b"third", name="a.txt").text == "third"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits address space")
def test_a_document_that_needs_too_much_memory_is_refused():
    process = ParserProcess(timeout_s=60, memory_mb=48)
    try:
        big = "<html><body>" + "<p>word word</p>" * 600_000
        assert refusal(process, big.encode(), "big.html").facts["reason"] == "crashed"
        assert process.parse(b"small", name="a.txt").text == "small"
    finally:
        process.close()


def test_a_large_file_is_refused_before_it_is_sent(parser):
    assert refusal(parser, b"a" * (8 * MIB + 1)).facts["reason"] == "too_large"
    assert parser._child is None


def test_a_child_that_grew_is_replaced():
    process = ParserProcess(recycle_mb=1)
    process.parse(b"text", name="a.txt")
    assert process._child is None


def test_threads_take_turns(parser):
    found = {}

    def read(n):
        found[n] = parser.parse(f"text {n}".encode(), name="a.txt").text

    threads = [threading.Thread(target=read, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: f"text {n}" for n in range(8)}


def test_a_child_ends_with_its_parent():
    reading, writing = os.pipe()
    child = subprocess.Popen(CHILD, stdin=reading, stdout=subprocess.DEVNULL)
    os.close(reading)
    os.close(writing)  # what the system does when the parent dies
    assert child.wait(timeout=30) == 0


def test_a_closed_parser_starts_again(parser):
    parser.parse(b"one", name="a.txt")
    child = child_of(parser)
    parser.close()
    assert not child.is_running()
    assert parser.parse(b"two", name="a.txt").text == "two"


def test_the_child_stops_itself_when_it_hangs_alone():
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL  # so that the alarm ends it
