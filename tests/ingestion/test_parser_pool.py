"""A slow file keeps its own lane waiting and no other, with as few parsers as that takes."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from roadworthy.core.errors import Unavailable
from roadworthy.ingestion.parser_pool import ParserPool
from roadworthy.ingestion.parser_process import ParserProcess
from roadworthy.ingestion.records import Lane
from tests.parsers import running_parsers

BULK, OTHER_BULK, URGENT = (
    Lane(tenant_id=1, is_urgent=False),
    Lane(tenant_id=2, is_urgent=False),
    Lane(tenant_id=3, is_urgent=True),
)
SHORT_S, LONG_S = 0.05, 600.0


class Borrowers:
    """Threads that each hold a parser until told to give it back."""

    def __init__(self, pool):
        self.pool, self.order = pool, []
        self.threads = ThreadPoolExecutor(8)

    def ask(self, lane):
        """Ask for a parser; gives what tells that it was lent, and what gives it back."""
        lent, done = threading.Event(), threading.Event()

        def hold():
            with self.pool.lent(lane) as parser:
                self.order.append(lane)
                parser.parse(b"text", name="a.txt")
                lent.set()
                assert done.wait(60)

        self.threads.submit(hold)
        return lent, done


@pytest.fixture
def made():
    pools = []

    def make(**kwargs):
        pool = ParserPool(lambda: ParserProcess(timeout_s=30), **kwargs)
        pools.append(pool)
        return Borrowers(pool)

    yield make
    for pool in pools:
        pool.close()


def waits(lent):
    return not lent.wait(10 * SHORT_S)


def test_another_lane_goes_on_beside_a_slow_file_and_its_own_waits(made):
    borrowers = made(most=3, patience_s=SHORT_S)
    slow, slow_done = borrowers.ask(BULK)
    assert slow.wait(30)
    behind, behind_done = borrowers.ask(BULK)
    assert waits(behind)
    other, other_done = borrowers.ask(URGENT)
    assert other.wait(30)
    other_done.set()
    assert waits(behind)
    slow_done.set()
    assert behind.wait(30)
    behind_done.set()


def test_the_last_parser_is_for_who_waits(made):
    borrowers = made(most=2, patience_s=SHORT_S)
    slow, slow_done = borrowers.ask(BULK)
    assert slow.wait(30)
    bulk, bulk_done = borrowers.ask(OTHER_BULK)
    assert waits(bulk)
    urgent, urgent_done = borrowers.ask(URGENT)
    assert urgent.wait(30)
    slow_done.set()
    urgent_done.set()
    assert bulk.wait(30)
    bulk_done.set()


def test_who_waits_comes_before_a_bulk_load_that_came_earlier(made):
    borrowers = made(most=1, patience_s=SHORT_S)
    slow, slow_done = borrowers.ask(BULK)
    assert slow.wait(30)
    bulk, bulk_done = borrowers.ask(OTHER_BULK)
    assert waits(bulk)
    urgent, urgent_done = borrowers.ask(URGENT)
    assert waits(urgent)
    for done in (slow_done, bulk_done, urgent_done):
        done.set()
    assert bulk.wait(30)
    assert borrowers.order == [BULK, URGENT, OTHER_BULK]


def test_without_a_slow_file_there_is_one_parser(made):
    before = len(running_parsers())
    borrowers = made(most=3, patience_s=LONG_S)
    held, held_done = borrowers.ask(BULK)
    assert held.wait(30)
    lent, done = borrowers.ask(URGENT)
    assert waits(lent)
    assert len(running_parsers()) == before + 1
    held_done.set()
    done.set()
    assert lent.wait(30)


def test_when_the_slow_file_is_read_one_parser_is_left(made):
    before = len(running_parsers())
    borrowers = made(most=3, patience_s=SHORT_S)
    asked = []
    for lane in (BULK, OTHER_BULK, URGENT):
        asked.append(borrowers.ask(lane))
        assert asked[-1][0].wait(30)
    assert len(running_parsers()) == before + 3
    for _, done in asked:
        done.set()
    until = time.monotonic() + 30
    while len(running_parsers()) > before + 1:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_closed_it_ends_the_files_at_hand_and_refuses_who_waits(made):
    pool = made(most=1).pool
    told = []

    def wait():
        with pytest.raises(Unavailable), pool.lent(URGENT):
            pass
        told.append("refused")

    with pool.lent(BULK) as parser:
        parser.parse(b"text", name="a.txt")
        waiting = threading.Thread(target=wait)
        waiting.start()
        pool.close()
        waiting.join(30)
        assert told == ["refused"]
    assert parser._child is None
