"""Run folders: what is written is whole, resumes to the same bytes, belongs to one study and one writer."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carwright.errors import CarwrightError
from carwright.store import Quiet, Run, files, provenance, ranges, write_atomically
from carwright.store.lock import Lock
from carwright.store.parquet import write_parquet

job: Any = sys.modules["store_job"]


class Listener(Quiet):
    def __init__(self) -> None:
        self.notices: list[str] = []
        self.done: dict[str, int] = {}

    def stage(self, label: str, total: int) -> None:
        self.label, self.done[label] = label, 0

    def advance(self, items: int) -> None:
        self.done[self.label] += items

    def notice(self, text: str) -> None:
        self.notices.append(text)


@pytest.fixture
def undisturbed(tmp_path: Path) -> dict[str, bytes]:
    folder = tmp_path / "undisturbed"
    job.run(folder)
    return job.contents(folder)


def fails(code: str, folder: Path, **changes: Any) -> str:
    with pytest.raises(CarwrightError) as caught:
        job.run(folder, **changes)
    assert [problem.code for problem in caught.value.problems] == [code]
    return str(caught.value)


def test_a_run_is_complete(undisturbed: dict[str, bytes], tmp_path: Path) -> None:
    assert set(undisturbed) == {
        "study.yaml",
        "resolved.yaml",
        "summary.json",
        "manifest.jsonl",
        "tables",
        "tables/patients.parquet",
        "tables/parameters.parquet",
        "tables/trials.parquet",
    }
    run = Run.read(tmp_path / "undisturbed")
    assert run.table("patients").equals(job.patients(range(50))["patients"])
    assert run.resolved == job.RESOLVED
    assert run.summary["mean"] == run.table("patients")["value"].mean()
    record = json.loads((run.folder / "provenance.json").read_text())
    assert record["sessions"][0]["finished_utc"] >= record["sessions"][0]["started_utc"]
    assert record["software"]["polars"] == pl.__version__


def count_flushes(folder: Path) -> int:
    real, calls = os.fsync, []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: (calls.append(descriptor), real(descriptor)))
        job.run(folder)
    return len(calls)


@pytest.mark.parametrize("moment", [1, 2, 3, 9, 14, 15, 16, 17, 33, 48, -16, -12, -9, -8, -6, -4, -3, -2, -1])
def test_killed_at_any_moment_it_ends_with_the_same_bytes(
    moment: int, tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    folder = tmp_path / "killed"
    if moment < 0:  # counted from the end, where the last one is moment -1
        moment += 1 + count_flushes(tmp_path / "counted")
    killed = subprocess.run([sys.executable, job.__file__, str(folder), str(moment)], check=False)
    assert killed.returncode == -signal.SIGKILL
    listener = Listener()
    job.run(folder, listener)
    assert job.contents(folder) == undisturbed
    assert listener.notices == []


def test_where_the_cuts_are_does_not_matter(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    job.run(tmp_path / "other", cut=50)
    assert job.contents(tmp_path / "other") == undisturbed


@pytest.mark.parametrize("damage", ["flip", "remove", "tear", "garbage"])
def test_damaged_shards_are_computed_again(damage: str, tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    folder = tmp_path / "damaged"
    subprocess.run([sys.executable, job.__file__, str(folder), "60"], check=False)
    shard = folder / "shards" / "patients" / "000002" / "patients.parquet"
    manifest = folder / "manifest.jsonl"
    if damage == "flip":
        content = bytearray(shard.read_bytes())
        content[len(content) // 2] ^= 1
        shard.write_bytes(content)
    elif damage == "remove":
        shard.unlink()
    elif damage == "tear":
        manifest.write_bytes(manifest.read_bytes()[:-20])
    else:
        lines = manifest.read_bytes().splitlines(keepends=True)
        manifest.write_bytes(lines[0] + b"\xff\xfe{]\n" + b"".join(lines[2:]))
    listener = Listener()
    job.run(folder, listener)
    assert job.contents(folder) == undisturbed
    reported = ["shard patients/000002 is damaged or missing and is computed again"]
    assert listener.notices == (reported if damage in ("flip", "remove") else [])


def test_a_finished_run_is_not_computed_again(tmp_path: Path) -> None:
    job.run(tmp_path / "run")
    listener = Listener()
    assert job.run(tmp_path / "run", listener).finished
    assert listener.done == {}


def test_a_changed_result_is_noticed_and_computed_again(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    folder = tmp_path / "undisturbed"
    (folder / "summary.json").write_text('{"mean": 0}')
    listener = Listener()
    job.run(folder, listener)
    assert job.contents(folder) == undisturbed
    assert "summary.json was changed" in listener.notices[0]


def test_work_of_other_software_is_never_mixed_in(
    tmp_path: Path, undisturbed: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "older"
    with monkeypatch.context() as older:
        older.setattr(provenance, "software_digest", lambda: "older")
        real = job.patients
        older.setattr(job, "patients", lambda items: {"patients": real(items)["patients"].clear()})
        with pytest.raises(KeyboardInterrupt):
            interrupted(folder, after=2)
    listener = Listener()
    job.run(folder, listener)
    assert job.contents(folder) == undisturbed
    assert "another version of the software" in listener.notices[0]


def interrupted(folder: Path, after: int) -> None:
    done = 0

    def work(items: range) -> dict[str, pl.DataFrame]:
        nonlocal done
        done += 1
        if done > after:
            raise KeyboardInterrupt
        return job.patients(items)

    with Run.open(
        folder, as_given="", resolved=job.RESOLVED, digest=job.RESOLVED, command="job", progress=Quiet()
    ) as run:
        run.shards.compute("patients", ranges(50, 7), work, Quiet())


def test_an_interrupted_run_keeps_its_shards(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path / "run", after=3)
    assert not (tmp_path / "run" / "run.lock").exists()
    job.run(tmp_path / "run")
    assert job.contents(tmp_path / "run") == undisturbed


def test_nothing_is_left_of_a_run_in_which_nothing_was_done(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("stays")
    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path / "runs" / "a", after=0)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path / "empty", after=0)
    assert list((tmp_path / "empty").iterdir()) == []


def test_another_study_is_refused_with_the_difference(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    text = fails("RUN003", tmp_path / "undisturbed", resolved="study: fake\npatients: 51\n")
    assert "- patients: 50; + patients: 51" in text
    assert job.contents(tmp_path / "undisturbed") == undisturbed


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    assert "thesis.txt" in fails("RUN002", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_another_format_is_refused(tmp_path: Path) -> None:
    job.run(tmp_path / "run")
    (tmp_path / "run" / "manifest.jsonl").write_text('{"format": 99}\n')
    fails("RUN005", tmp_path / "run")


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    fails("STORE003", tmp_path / "file")
    fails("STORE003", tmp_path / "file" / "below")


def test_a_read_only_place_is_refused() -> None:
    if not Path("/sys/kernel").is_dir():
        pytest.skip("this system has no /sys, where nobody may write")
    with pytest.raises(CarwrightError) as caught:
        job.run(Path("/sys/kernel/carwright"))
    assert caught.value.problems[0].code == "STORE002"


@pytest.mark.parametrize("limit", [0, 200, 1500])
def test_a_full_disk_leaves_nothing_half_written(limit: int, tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    folder = tmp_path / "full"

    def small_files_only() -> None:  # the system refuses larger files as it does on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    result = subprocess.run(
        [sys.executable, job.__file__, str(folder)],
        preexec_fn=small_files_only,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert "STORE001" in result.stderr
    assert not list(tmp_path.rglob("*.partial"))
    job.run(folder)
    assert job.contents(folder) == undisturbed


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    write_atomically(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CarwrightError, match="STORE001"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_errors_that_polars_wraps_are_understood() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(CarwrightError, match="STORE001"), files.storage_errors(Path("/dev/full")):
        pl.DataFrame({"a": [1]}).write_parquet("/dev/full")


def test_one_writer_at_a_time_and_dead_ones_do_not_count(tmp_path: Path) -> None:
    lock = Lock(tmp_path)
    with pytest.raises(CarwrightError, match=f"RUN004(.|\n)*{os.getpid()}"):
        Lock(tmp_path)
    lock.release()
    assert list(tmp_path.iterdir()) == []
    code = (
        "import os, sys, pathlib, carwright.store.lock as l\nl.Lock(pathlib.Path(sys.argv[1])); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert (tmp_path / "run.lock").exists()
    Lock(tmp_path).release()


def test_only_finished_runs_are_read(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(CarwrightError, match="RUN001"):
            Run.read(folder)
    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path / "run", after=1)
    with pytest.raises(CarwrightError, match="not finished"):
        Run.read(tmp_path / "run")


def test_a_summary_never_holds_nan(tmp_path: Path) -> None:
    with (
        Run.open(tmp_path / "r", as_given="", resolved="", digest="", command="", progress=Quiet()) as run,
        pytest.raises(ValueError, match="not JSON compliant"),
    ):
        run.finish({"estimate": float("nan")})


@given(st.integers(0, 500), st.integers(1, 60))
def test_ranges_cover_every_item_once(total: int, size: int) -> None:
    pieces = ranges(total, size)
    assert [item for piece in pieces for item in piece] == list(range(total))
    assert all(0 < len(piece) <= size for piece in pieces)


def test_parquet_bytes_do_not_depend_on_pieces_or_threads(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, polars as pl\n"
        "from carwright.store.parquet import write_parquet\n"
        "n = 300_000\n"
        "c = (pl.col('a') % 7).cast(pl.String)\n"
        "f = pl.DataFrame({'a': range(n)}).with_columns(b=pl.col('a') * 0.1, c=c)\n"
        "k = int(sys.argv[2])\n"
        "f = pl.concat([f[i::k] for i in range(k)], rechunk=False).sort('a') if k else f\n"
        "f = pl.concat([f[:1000], f[1000:]], rechunk=False) if k else f\n"
        "print(write_parquet(pathlib.Path(sys.argv[1]), f))"
    )
    sums = {
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "t.parquet"), pieces],
            env={**os.environ, "POLARS_MAX_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads, pieces in (("1", "0"), ("2", "3"))
    }
    assert len(sums) == 1


def test_tables_survive_the_disk(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": [1, None], "b": ["x", None], "c": [0.1, float("nan")]})
    write_parquet(tmp_path / "t.parquet", frame)
    assert pl.read_parquet(tmp_path / "t.parquet").equals(frame)


def test_a_table_that_is_not_there_is_named_beside_those_that_are(tmp_path: Path) -> None:
    run = job.run(tmp_path / "run")
    assert run.tables() == ["parameters", "patients", "trials"]
    with pytest.raises(CarwrightError, match="did you mean 'patients'") as caught:
        run.table("patient")
    assert caught.value.problems[0].allowed == "parameters, patients, trials"
