"""Models from users are read in another process, which may do what it likes within its limits."""

from __future__ import annotations

from pathlib import Path

import engine_models
import pytest

from carwright.engine import read_sbml, untrusted
from carwright.engine.untrusted import Limits, read_untrusted
from carwright.errors import CarwrightError, Problem
from carwright.models import load_model

DECAY = "model decay()\n  species A\n  A = 10; k = 0.5\n  J: A -> ; k*A\nend\n"


def refused(text: str, *args: object, **kwargs: object) -> tuple[Problem, ...]:
    with pytest.raises(CarwrightError) as caught:
        read_untrusted(text, *args, **kwargs)  # type: ignore[arg-type]
    return caught.value.problems


def test_sbml_is_read_as_in_this_process() -> None:
    text = engine_models.sbml(engine_models.PATIENT)
    assert read_untrusted(text).digest == read_sbml(text).digest


def test_antimony_is_read_as_its_sbml() -> None:
    assert read_untrusted(DECAY, "antimony").digest == read_sbml(engine_models.sbml(DECAY)).digest


def test_antimony_finds_the_files_beside_it(tmp_path: Path) -> None:
    (tmp_path / "decay.ant").write_text(DECAY)
    both = 'import "decay.ant"\nmodel both()\n  D: decay()\n  B = 1; B\' = -B\nend\n'
    assert set(read_untrusted(both, "antimony", folder=str(tmp_path)).states) == {"D_A", "B"}
    assert refused(both, "antimony")[0].code == "ENGINE050"


def test_all_mistakes_come_back_with_file_and_line() -> None:
    text = engine_models.sbml(DECAY)
    broken = text.replace("<ci> k </ci>", "<ci> kk </ci>").replace('species="A"', 'species="Q"')
    problems = refused(broken, where="mine.xml")
    assert len(problems) >= 2
    assert all(problem.where.startswith("mine.xml, line ") for problem in problems)


def test_a_broken_antimony_text_says_where() -> None:
    (problem,) = refused("model x()\n  A = ;;; 3 +\nend", "antimony", where="mine.ant")
    assert (problem.code, problem.where) == ("ENGINE050", "mine.ant")
    assert "line 2" in problem.found


def test_document_type_declarations_are_refused() -> None:
    (problem,) = refused('<!DOCTYPE a [<!ENTITY b "c">]><sbml/>', where="x.xml")
    assert (problem.code, problem.where) == ("ENGINE051", "x.xml")


def test_time_is_limited() -> None:
    (problem,) = refused(load_model("mcrpc").sbml, limits=Limits(seconds=0.01))
    assert problem.code == "ENGINE052"


def test_memory_is_limited() -> None:
    grown = load_model("mcrpc").sbml + " " * (40 << 20)
    (problem,) = refused(grown, limits=Limits(memory_bytes=160 << 20))
    assert problem.code in ("ENGINE053", "ENGINE054")  # a library may call its lack of memory what it likes


@pytest.mark.parametrize(
    ("does", "code", "found"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "ENGINE054", "SIGSEGV"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGABRT)", "ENGINE054", "SIGABRT"),
        ("raise TypeError('not this')", "ENGINE054", "TypeError: not this"),
        ("raise MemoryError", "ENGINE053", ""),
        ("import sys; print('terminate: std::bad_alloc', file=sys.stderr); sys.exit(3)", "ENGINE053", ""),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", "ENGINE052", ""),
        ("import time; time.sleep(60)", "ENGINE052", ""),
        ("print('garbage')", "ENGINE054", ""),
        ("print('[1]')", "ENGINE053", ""),
        ("""print('{"failure": "depth"}')""", "ENGINE053", ""),
        ("""print('{"system": "{}"}')""", "ENGINE054", ""),
    ],
)
def test_whatever_happens_to_the_worker_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str, code: str, found: str
) -> None:
    (tmp_path / "unlucky_worker.py").write_text(does)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(untrusted, "_WORKER", "unlucky_worker")
    (problem,) = refused(DECAY, "antimony", where="x.ant", limits=Limits(seconds=5.0))
    assert (problem.code, problem.where) == (code, "x.ant")
    assert found in problem.found


def test_modules_in_the_current_folder_are_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("json", "numpy", "libsbml", "antimony", "carwright"):
        (tmp_path / f"{name}.py").write_text("open('run', 'w')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert read_untrusted(DECAY, "antimony", folder=str(tmp_path)).states == ("A",)
    assert not (tmp_path / "run").exists()
