"""Every mistake through the real command line: one clear error, status 2, nothing half-written, no traceback."""

from __future__ import annotations

import json
import os
import resource
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Call = Callable[..., subprocess.CompletedProcess[str]]
SMALL = ("--patients", "80", "--trials", "10")
BOMB = 'a0: &a0 ["x","x","x","x","x","x","x","x","x"]\n' + "".join(
    f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30)
)


def assert_refused(result: subprocess.CompletedProcess[str], code: str, *words: str) -> None:
    assert result.returncode == 2, result.stderr
    assert f"error[{code}]" in result.stderr
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["psma-dntgfbr"], "STUDY001", ["did you mean 'psma-dntgfbr2'?"]),
        (["missing.yaml"], "YAML001", ["no such file"]),
        (["psma-dntgfbr2", "--set", "construct.armor=none"], "STUDY002", ["did you mean 'armour'?"]),
        (["psma-dntgfbr2", "--set", "horizon_days=3 cells/m2"], "STUDY005", ["wrong unit"]),
        (
            ["psma-dntgfbr2", "--set", "dose_space.nodes[0].cells_per_m2=[-1e7, 3e7]"],
            "STUDY006",
            ["-10000000.0", "more than 0"],
        ),
        (["psma-dntgfbr2", "--patients", "0"], "STUDY006", ["population.patients", "1 or more"]),
        (["psma-dntgfbr2", "--trials", "0"], "STUDY006", ["trials"]),
        (["psma-dntgfbr2", "--set", "seed=3", "--seed", "4"], "STUDY009", ["seed", "two values"]),
        (["psma-dntgfbr2", "--seed", "-1"], "STUDY006", ["seed"]),
        (["psma-dntgfbr2", "--threads", "0"], "CLI001", ["--threads"]),
        (["psma-dntgfbr2", "--patients", "many"], "CLI001", ["--patients"]),
        (["psma-dntgfbr2", "--pateints", "10"], "CLI001", ["--pateints", "--patients"]),
        ([], "CLI001", ["argument 'study'"]),
    ],
)
@pytest.mark.parametrize("json_", [True, False])
def test_a_mistake_before_anything_runs(
    carwright: Call, tmp_path: Path, arguments: list[str], code: str, words: list[str], json_: bool
) -> None:
    result = carwright("run", *arguments, *(["--json"] if json_ else []))
    assert_refused(result, code, *words)
    assert list(tmp_path.iterdir()) == []
    if json_:
        assert [error["code"] for error in json.loads(result.stdout)["errors"]] == [code]
    else:
        assert result.stdout == ""


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "YAML005"),
        (BOMB.encode(), "YAML002"),
        (b"a: " + b"[" * 200_000, "YAML006"),
        (bytes(range(256)), "YAML003"),
        (b"study: [", "YAML004"),
        (b"study: a\nstudy: b\n", "YAML007"),
        (b"study: !!python/object/apply:os.system ['touch pwned']\n", "YAML006"),
    ],
)
def test_an_unreadable_study_file(carwright: Call, tmp_path: Path, content: bytes, code: str) -> None:
    (tmp_path / "mine.yaml").write_bytes(content)
    result = carwright("run", "mine.yaml")
    assert_refused(result, code, "mine.yaml")
    assert result.stderr.count("error[") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]


def test_a_file_without_permission(carwright: Call, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("study: a\n")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read every file")
    assert_refused(carwright("run", "mine.yaml"), "YAML001", "permission")


def test_a_folder_for_a_study(carwright: Call, tmp_path: Path) -> None:
    assert_refused(carwright("run", "."), "YAML001", "a folder")


def test_a_parameter_outside_its_range(carwright: Call, tmp_path: Path) -> None:
    rows = json.loads(carwright("model", "show", "mcrpc", "--json").stdout)["parameters"]
    name, high = rows[0]["name"], rows[0]["range"][1]
    result = carwright("run", "psma-dntgfbr2", "--set", f"parameters.{name}={2 * high + 1!r}")
    assert_refused(result, "STUDY010", name, "allowed")
    assert_refused(carwright("run", "psma-dntgfbr2", "--set", f"parameters.{name[:-1]}=1"), "STUDY007", name)
    assert list(tmp_path.iterdir()) == []


def test_a_read_only_output_folder(carwright: Call, tmp_path: Path) -> None:
    if not Path("/sys/kernel").is_dir():
        pytest.skip("this system has no /sys, where nobody may write")
    result = carwright("run", "psma-dntgfbr2", *SMALL, "--out", "/sys/kernel/carwright")
    assert_refused(result, "STORE002", "/sys/kernel/carwright")
    assert list(tmp_path.iterdir()) == []


def test_a_file_or_another_run_in_the_way(carwright: Call, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    assert_refused(carwright("run", "psma-dntgfbr2", *SMALL, "--out", "file"), "STORE003")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.txt").write_text("mine")
    assert_refused(carwright("run", "psma-dntgfbr2", *SMALL, "--out", "folder"), "RUN002", "thesis.txt")
    assert carwright("run", "psma-dntgfbr2", *SMALL, "--out", "run").returncode == 0
    other = carwright("run", "psma-dntgfbr2", *SMALL, "--seed", "2", "--out", "run")
    assert_refused(other, "RUN003", "- seed: 1; + seed: 2")


@pytest.mark.parametrize("limit", [0, 3_000, 9_000])
def test_a_full_disk(carwright: Call, tmp_path: Path, limit: int) -> None:
    def small_files_only() -> None:  # the system refuses larger files as it does on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    result = carwright("run", "psma-dntgfbr2", *SMALL, "--out", "a", preexec_fn=small_files_only)
    assert_refused(result, "STORE001", "no space left")
    assert not list(tmp_path.rglob("*.partial"))
    assert not (tmp_path / "a" / "summary.json").exists()
    assert carwright("run", "psma-dntgfbr2", *SMALL, "--out", "a").returncode == 0


def test_a_full_disk_that_polars_reports(carwright: Call, tmp_path: Path) -> None:
    result = carwright("run", "psma-dntgfbr2", *SMALL, env={"CARWRIGHT_FAKE_FAILURE": "full"})
    assert_refused(result, "STORE001")
    assert list(tmp_path.iterdir()) == []


def test_a_bug_is_called_a_bug(carwright: Call, tmp_path: Path) -> None:
    bug = {"CARWRIGHT_FAKE_FAILURE": "bug"}
    result = carwright("run", "psma-dntgfbr2", *SMALL, "--json", env=bug)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    (error,) = json.loads(result.stdout)["errors"]
    assert (error["code"], error["where"]) == ("BUG", "while computing patients 0 to 9")
    assert "Traceback" in carwright("run", "psma-dntgfbr2", *SMALL, "--debug", env=bug).stderr
    assert list(tmp_path.iterdir()) == []


def test_commands_on_what_is_no_run(carwright: Call, tmp_path: Path) -> None:
    assert_refused(carwright("explain", "nowhere"), "RUN001")
    assert_refused(carwright("compare", ".", "."), "RUN001")
    assert_refused(carwright("model", "show", "mcrcp"), "MODEL001")
    assert_refused(carwright("construct", "show", "psmaa"), "CONSTRUCT001", "did you mean 'psma'?")
    assert_refused(carwright("model", "export", "mcrpc", "--out", "no/where.xml"), "STORE004")
    assert_refused(carwright("rn"), "CLI001", "rn")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_keeps_finished_shards_and_shows_the_way_back(
    carwright: Call, tmp_path: Path, environment: dict[str, str], number: int, status: int
) -> None:
    arguments = ["run", "psma-dntgfbr2", *SMALL, "--set", "care=[tocilizumab, anakinra]", "--out", "a"]
    process = subprocess.Popen(
        [sys.executable, "-m", "carwright", *arguments],
        cwd=tmp_path,
        env={**environment, "CARWRIGHT_FAKE_PAUSE": "3"},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    while "waiting" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(number)
    output, errors = process.communicate()
    assert process.returncode == status
    assert output == ""
    assert "Traceback" not in errors
    assert f"to resume: {shlex.join(['carwright', *arguments])}" in errors
    assert not (tmp_path / "a" / "run.lock").exists()
    assert len(list((tmp_path / "a" / "shards" / "patients").iterdir())) == 3
    assert carwright(*arguments).returncode == 0
    undisturbed = carwright(*arguments[:-1], "b")
    assert undisturbed.returncode == 0
    for path in (tmp_path / "b").rglob("*"):
        if path.is_file() and path.name != "provenance.json":
            assert (tmp_path / "a" / path.relative_to(tmp_path / "b")).read_bytes() == path.read_bytes()


def test_two_processes_do_not_write_one_run(carwright: Call, tmp_path: Path, environment: dict[str, str]) -> None:
    arguments = ["run", "psma-dntgfbr2", *SMALL, "--out", "a"]
    first = subprocess.Popen(
        [sys.executable, "-m", "carwright", *arguments],
        cwd=tmp_path,
        env={**environment, "CARWRIGHT_FAKE_PAUSE": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert first.stderr is not None
    while "waiting" not in first.stderr.readline():
        assert first.poll() is None
    assert_refused(carwright(*arguments), "RUN004", str(first.pid))
    first.kill()
    first.communicate()
    assert carwright(*arguments).returncode == 0


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path, environment: dict[str, str]) -> None:
    command = f"{shlex.quote(sys.executable)} -m carwright model show mcrpc | head -n 1"
    result = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stderr == ""
