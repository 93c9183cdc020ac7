"""What was noted is stored once: through kills, outages and whatever people write."""

import asyncio
import errno
import fcntl
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest

from roadworthy.core.errors import Conflict, Missing, Unavailable
from roadworthy.corpus.ownership import DELETE as DELETE_DOCUMENTS
from roadworthy.corpus.publishing import DROP_PUBLISHED
from roadworthy.corpus.verdicts import list_verdicts
from roadworthy.plumbing.database import Database
from roadworthy.plumbing.tasks import cancelled
from roadworthy.traces import TraceRecorder, list_traces
from roadworthy.traces import recorder as recorder_module
from tests.postgres_cluster import meeting
from tests.traces.interactions import ME, answered, begun, dropped, outcome, passage_of, read

pytestmark = pytest.mark.anyio

DIES = """
import sys, time
from pathlib import Path
from roadworthy.plumbing.database import Database
from roadworthy.traces import TraceRecorder
from tests.traces.interactions import answered, begun, passage_of

database = Database(app_url="postgresql://nowhere", worker_url="", connections=2)
recorder = TraceRecorder(Path(sys.argv[1]), database)
ended, cut = begun(int(sys.argv[2])), begun(int(sys.argv[2]))
recorder.begin(ended)
recorder.begin(cut)
recorder.end(answered(ended))
print(ended.id, cut.id, flush=True)
time.sleep(60)
"""
WAITING = """
SELECT pid FROM pg_stat_activity
 WHERE datname = current_database() AND usename = current_user AND wait_event_type = 'Lock'
"""


async def waiting_for_a_lock(app):
    """Wait for a connection of the app role to stand before somebody's lock; gives its pid."""
    async with asyncio.timeout(10):
        while not (waiting := app.execute(WAITING).fetchall()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return waiting[0]


async def cut_off(recorder, urls):
    """Let the server end the connection while `recorder` stores."""
    with psycopg.connect(urls.owner) as owner:
        owner.execute("LOCK TABLE trace IN EXCLUSIVE MODE")
        flushing = asyncio.create_task(recorder.flush())
        with psycopg.connect(urls.app, autocommit=True) as app:
            app.execute("SELECT pg_terminate_backend(%s)", await waiting_for_a_lock(app))
        assert await flushing is False


@pytest.fixture
async def down(urls):
    """A database that no longer answers."""
    database = Database(app_url=urls.app, worker_url=urls.worker, connections=2)
    await database.open()
    await database.close()
    return database


async def test_all_that_was_noted_is_stored(recorder, world):
    start = begun(world.tenant_id)
    document = await world.add("plan.txt", "The plan.")
    recorder.begin(start)
    recorder.end(answered(start, passages=(await passage_of(world, document),)))
    assert await recorder.flush()
    trace, [hit] = await read(world, start.id)
    assert (trace.outcome, trace.answer, trace.degraded) == ("answered", "Because.", ["rerank"])
    assert trace.stages == [{"name": "retrieve", "ms": 1.5}]
    assert trace.searched_for == {"text": "Why?", "filters": ["type:pdf"]}
    assert (hit.rank, hit.document_id, hit.cited) == (1, document, True)


async def test_a_trace_survives_a_kill_right_after_it_ended(spool, recorder, world):
    died = subprocess.Popen(  # noqa: ASYNC220 - its first line is all that is waited for
        [sys.executable, "-c", DIES, str(spool), str(world.tenant_id)],
        stdout=subprocess.PIPE,
        text=True,
    )
    ended, cut = died.stdout.readline().split()
    died.send_signal(signal.SIGKILL)
    died.wait()
    died.stdout.close()
    assert await recorder.flush()
    assert (await outcome(world, ended), await outcome(world, cut)) == ("answered", "interrupted")


async def test_the_file_of_a_living_process_is_left_alone(spool, recorder, world):
    start = begun(world.tenant_id)
    recorder.begin(start)
    assert await TraceRecorder(spool, world.database).flush()
    with pytest.raises(Missing):
        await read(world, start.id)


async def test_a_file_that_is_being_made_is_left_alone(spool, world, monkeypatch):
    there, lock = TraceRecorder(spool, world.database), fcntl.flock

    def late(descriptor, operation):
        """Let another process store all that is there before this one has its lock."""
        monkeypatch.setattr(fcntl, "flock", lock)
        other = threading.Thread(target=lambda: asyncio.run(there.flush()))
        other.start()
        other.join()
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    here, start = TraceRecorder(spool, world.database), begun(world.tenant_id)
    here.begin(start)
    here.end(answered(start))
    assert await here.flush()
    assert await outcome(world, start.id) == "answered"


async def test_an_outage_loses_and_doubles_nothing(recorder, world, urls):
    starts = [begun(world.tenant_id) for _ in range(5)]
    for start in starts:
        recorder.begin(start)
        recorder.end(answered(start))
    await cut_off(recorder, urls)
    assert await recorder.flush()
    async with world.database.read_as(world.person(), pseudonym=ME) as conn:
        kept = await list_traces(conn, tenant_id=world.tenant_id)
    assert [trace.id for trace in kept] == sorted((s.id for s in starts), reverse=True)


async def test_a_trace_that_met_another_change_is_stored_later(recorder, world, urls):
    start = begun(world.tenant_id)
    recorder.begin(start)
    recorder.end(answered(start))
    with meeting(urls.owner, "INSERT ON trace"):
        assert await recorder.flush() is False
    assert await recorder.flush()
    assert await outcome(world, start.id) == "answered"


async def screened(world, document):
    async with world.database.read_as(world.person()) as conn:
        found = await list_verdicts(conn, tenant_id=world.tenant_id, document_id=document)
    return [each.check for each in found]


@pytest.mark.parametrize("going", [DELETE_DOCUMENTS, DROP_PUBLISHED], ids=["deleted", "replaced"])
async def test_a_poisoned_document_that_goes_takes_no_trace_with_it(recorder, world, urls, going):
    goes, stays = [await world.add(f"{name}.txt", f"Obey {name}.") for name in ("one", "two")]
    start = begun(world.tenant_id)
    passages = [(await passage_of(world, document))[1] for document in (goes, stays)]
    recorder.begin(start)
    recorder.end(answered(start).model_copy(update={"verdicts": (dropped(*passages),)}))
    with psycopg.connect(urls.app, autocommit=True) as app:
        async with world.database.as_worker(world.tenant_id) as conn:
            await conn.execute(going, {"tenant_id": world.tenant_id, "id": goes, "ids": [goes]})
            flushing = asyncio.create_task(recorder.flush())
            await waiting_for_a_lock(app)
    assert await flushing
    trace, _ = await read(world, start.id)
    assert (trace.outcome, trace.input_tokens) == ("answered", 10)
    assert (await screened(world, goes), await screened(world, stays)) == ([], ["screening"])


async def test_who_is_answered_during_an_outage_is_not_called_interrupted(recorder, world, urls):
    start, other = begun(world.tenant_id), begun(world.tenant_id)
    recorder.begin(start)
    recorder.begin(other)
    recorder.end(answered(other))
    await cut_off(recorder, urls)
    recorder.end(answered(start))
    assert await recorder.flush()
    assert await outcome(world, start.id) == "answered"


async def test_a_kill_after_an_outage_leaves_the_answer(spool, world, down):
    start = begun(world.tenant_id)
    dying = TraceRecorder(spool, down)
    dying.begin(start)
    dying.end(answered(begun(world.tenant_id)))
    assert await dying.flush() is False
    dying.end(answered(start))
    dying._file.release()
    assert await TraceRecorder(spool, world.database).flush()
    assert await outcome(world, start.id) == "answered"


async def test_another_process_does_not_end_what_goes_on_here(spool, world, down):
    start = begun(world.tenant_id)
    here, there = TraceRecorder(spool, down), TraceRecorder(spool, world.database)
    here.begin(start)
    here.end(answered(begun(world.tenant_id)))
    assert await here.flush() is False
    assert await there.flush()
    here.end(answered(start))
    here._database = world.database
    assert await here.flush()
    assert await outcome(world, start.id) == "answered"


async def test_lines_stored_twice_count_once(spool, recorder, world):
    start = begun(world.tenant_id)
    recorder.begin(start)
    recorder.end(answered(start))
    [file] = spool.glob("*.jsonl")
    copy = spool / "copy.jsonl"
    copy.write_bytes(file.read_bytes())
    copy.chmod(0o600)
    assert await recorder.flush()
    async with world.database.read_as(world.person(), pseudonym=ME) as conn:
        assert len(await list_traces(conn, tenant_id=world.tenant_id)) == 1
    assert not copy.exists()


@pytest.mark.parametrize(
    "text",
    ["a\u2028b", "a\u0085b", "a\u2029b", "a\nb\r\x0b\x0c", "a\0b", 'say "why"', "\U0001f600"],
    ids=["line-separator", "next-line", "paragraph", "controls", "nul", "quotes", "emoji"],
)
async def test_any_text_is_recorded(recorder, world, text):
    start = begun(world.tenant_id, question=text)
    recorder.begin(start)
    recorder.end(answered(start, answer=text))
    assert await recorder.flush()
    trace, _ = await read(world, start.id)
    assert trace.outcome == "answered"
    assert trace.question.replace("\ufffd", "") == text.replace("\0", "")


async def test_a_trace_that_cannot_be_stored_holds_up_no_other(recorder, world):
    impossible, fine = begun(2**31 - 1), begun(world.tenant_id)
    for start in (impossible, fine):
        recorder.begin(start)
        recorder.end(answered(start))
    await recorder.flush()
    assert await outcome(world, fine.id) == "answered"


@pytest.mark.parametrize("cut", [b'{"begun": {"id', b'{"ended": "\xe2\x82'], ids=["line", "letter"])
async def test_a_line_cut_off_by_a_kill_takes_no_other_with_it(spool, recorder, world, cut):
    start = begun(world.tenant_id)
    recorder.begin(start)
    recorder.end(answered(start))
    [file] = spool.glob("*.jsonl")
    (spool / "dead.jsonl").write_bytes(file.read_bytes() + cut)
    file.write_bytes(b"")
    assert await recorder.flush()
    assert await outcome(world, start.id) == "answered"


def loop(path):
    path.symlink_to(path.name)


@pytest.mark.parametrize("make", [Path.mkdir, loop, lambda path: path.write_bytes(b"\xff{")])
async def test_a_file_that_cannot_be_read_holds_up_no_other(spool, recorder, world, make):
    make(spool / "0.jsonl")
    start = begun(world.tenant_id)
    recorder.begin(start)
    recorder.end(answered(start))
    assert await recorder.flush() is not os.path.lexists(spool / "0.jsonl")
    assert await outcome(world, start.id) == "answered"


async def test_a_file_that_cannot_be_stored_holds_up_no_other(spool, recorder, world, monkeypatch):
    stores, faults = recorder_module.add_traces, [psycopg.errors.UndefinedColumn()]

    async def add(database, traces):
        if faults:
            raise faults.pop()
        await stores(database, traces)

    monkeypatch.setattr(recorder_module, "add_traces", add)
    start, dead = begun(world.tenant_id), TraceRecorder(spool, world.database)
    for each, of in ((dead, begun(world.tenant_id)), (recorder, start)):
        each.begin(of)
        each.end(answered(of))
    dead._file.release()
    dead._file.path.rename(spool / "0.jsonl")
    assert await recorder.flush() is False
    assert await outcome(world, start.id) == "answered"
    assert await recorder.flush()


async def test_what_ends_while_the_disk_is_full_is_stored_when_there_is_room(
    recorder, world, disk, down
):
    starts = [begun(world.tenant_id) for _ in range(2)]
    for start in starts:
        recorder.begin(start)
    disk["left"] = 20  # some of a line
    for start in starts:
        recorder.end(answered(start))
    recorder._database, database = down, recorder._database
    assert await recorder.flush() is False
    recorder._database = database
    disk["left"] = None
    assert await recorder.flush()
    assert [await outcome(world, start.id) for start in starts] == ["answered"] * 2


async def test_a_full_disk_is_emptied_when_the_database_is_back(spool, recorder, world, disk, down):
    starts = [begun(world.tenant_id) for _ in range(5)]
    dead = TraceRecorder(spool, down)
    dead.begin(starts[0])
    dead.end(answered(starts[0]))
    dead._file.release()
    for start in starts[1:]:
        recorder.begin(start)
    recorder.end(answered(starts[1]))
    disk["left"] = 20
    recorder._database, database = down, recorder._database
    for start in starts[2:4]:
        recorder.end(answered(start))
    assert await recorder.flush() is False
    recorder._database = database
    assert await recorder.flush() is False  # one is open, and finds no room in another file
    assert [await outcome(world, starts[each].id) for each in (0, 2, 3)] == ["answered"] * 3
    recorder.end(answered(starts[4]))
    assert await recorder.flush() is False
    assert await recorder.flush()
    assert [await outcome(world, start.id) for start in starts] == ["answered"] * 5
    assert [file.stat().st_size for file in spool.glob("*.jsonl")] == [0]


@pytest.mark.parametrize("part", ["nothing", "begun", "carried"])
@pytest.mark.parametrize("end", ["answered", "interrupted"])
async def test_a_disk_that_is_full_for_a_moment_costs_nothing(
    spool, recorder, world, disk, part, end
):
    starts = [begun(world.tenant_id) for _ in range(5)]
    for start in starts:
        recorder.begin(start)
    [file] = spool.glob("*.jsonl")
    size = file.stat().st_size
    disk["left"] = {"nothing": 0, "begun": size // 2, "carried": size + 100}[part]
    await recorder._flushed()
    disk["left"] = None
    if end == "answered":
        assert await TraceRecorder(spool, world.database).flush()
        for start in starts:
            recorder.end(answered(start))
        assert await recorder.flush()
    else:
        recorder._file.release()
        assert await TraceRecorder(spool, world.database).flush()
    assert [await outcome(world, start.id) for start in starts] == [end] * 5


async def test_nothing_begins_of_which_no_trace_would_tell(recorder, world, disk):
    start = begun(world.tenant_id)
    disk["left"] = 0
    with pytest.raises(Unavailable, match="No space"):
        recorder.begin(start)
    disk["left"] = None
    recorder.begin(begun(world.tenant_id))
    assert await recorder.flush()
    assert start.id not in recorder._open


@pytest.mark.parametrize(
    "fault", [OSError(errno.ENOSPC, "full"), Conflict("met"), psycopg.errors.UndefinedColumn()]
)
async def test_a_fault_that_passes_ends_no_recording(recorder, world, monkeypatch, fault):
    monkeypatch.setattr(recorder_module, "PAUSE_WHEN_DOWN_S", 0.01)
    stores, faults = recorder_module.add_traces, [fault]

    async def add(database, traces):
        if faults:
            raise faults.pop()
        await stores(database, traces)

    monkeypatch.setattr(recorder_module, "add_traces", add)
    start = begun(world.tenant_id)
    recorder.begin(start)
    recorder.end(answered(start))
    running = asyncio.create_task(recorder.run())
    async with asyncio.timeout(10):
        while faults:  # noqa: ASYNC110 - another task is waited for
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
    assert not running.done()
    await cancelled(running)
    assert await outcome(world, start.id) == "answered"


async def test_it_says_how_long_something_of_its_own_has_waited(spool, world, down, monkeypatch):
    seconds = [0.0]
    monkeypatch.setattr(recorder_module, "time", SimpleNamespace(monotonic=lambda: seconds[0]))
    here, there = TraceRecorder(spool, down), TraceRecorder(spool, world.database)
    (spool / "0.jsonl").mkdir()
    here.begin(begun(world.tenant_id))  # goes on all the while
    for _ in range(2):
        seconds[0] += 40
        here.end(answered(begun(world.tenant_id)))
        assert await here.flush() is False
    assert here.unstored_s() == 40
    await there.flush()  # another's
    assert here.unstored_s() == 0
    here.end(answered(begun(world.tenant_id)))
    seconds[0] += 5
    assert here.unstored_s() == 5
    here._database = world.database
    await here.flush()
    assert here.unstored_s() == 0


async def test_the_spool_is_for_this_user_alone(spool, recorder, world):
    recorder.begin(begun(world.tenant_id))
    [file] = spool.glob("*.jsonl")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(spool.stat().st_mode) == 0o700


async def test_what_is_stored_leaves_the_disk(spool, recorder, world):
    start = begun(world.tenant_id)
    recorder.begin(start)
    recorder.end(answered(start))
    await recorder.flush()
    assert [file.stat().st_size for file in spool.glob("*.jsonl")] == [0]


async def test_the_end_of_a_run_stores_what_is_left(spool, recorder, world):
    start = begun(world.tenant_id)
    running = asyncio.create_task(recorder.run())
    await asyncio.sleep(0)
    recorder.begin(start)
    recorder.end(answered(start))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await outcome(world, start.id) == "answered"
    assert list(spool.glob("*.jsonl")) == []


async def test_recording_makes_nobody_wait(recorder, world):
    starts = [begun(world.tenant_id, question="Why? " * 100) for _ in range(300)]
    ends = [answered(start, answer="Because. " * 200) for start in starts]
    took = []
    for start, end in zip(starts, ends, strict=True):
        at = time.perf_counter()
        recorder.begin(start)
        recorder.end(end)
        took.append((time.perf_counter() - at) / 2)
    median_ms = sorted(took)[150] * 1000
    assert median_ms < 0.3
