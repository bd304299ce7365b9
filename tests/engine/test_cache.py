"""What is kept on disk: found again, made again when damaged, made once by racing processes, and not needed where
nothing can be kept.
"""

import subprocess
import sys

import pytest

from carwright.engine import cache


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    monkeypatch.setattr(cache, "_loaded", {})
    return tmp_path / "kernels"


def kept(folder):
    return sorted(folder.glob("*.kept"))


def refuse():
    raise AssertionError


def test_what_was_made_is_found_again(folder, monkeypatch):
    assert cache.keep(["a", "b"], lambda: b"made") == b"made"
    monkeypatch.setattr(cache, "_loaded", {})
    assert cache.keep(["a", "b"], refuse) == b"made"
    assert cache.keep(["a", "c"], lambda: b"other") == b"other"
    assert len(kept(folder)) == 2


@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b[:-1] + b"x", lambda b: b"", lambda b: b"x" + b[1:]]
)
def test_a_damaged_copy_is_made_again(folder, monkeypatch, damage):
    cache.keep(["a"], lambda: b"made")
    (copy,) = kept(folder)
    sound = copy.read_bytes()
    copy.write_bytes(damage(sound))
    monkeypatch.setattr(cache, "_loaded", {})
    assert cache.keep(["a"], lambda: b"made") == b"made"
    assert copy.read_bytes() == sound


def test_a_failure_is_not_kept(folder):
    with pytest.raises(AssertionError):
        cache.keep(["a"], refuse)
    assert kept(folder) == []
    assert cache.keep(["a"], lambda: b"made") == b"made"


def test_a_folder_that_cannot_be_written_costs_a_notice_only(folder, tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv(cache.VARIABLE, str(blocked))
    with pytest.warns(RuntimeWarning, match="CARWRIGHT_CACHE"):
        assert cache.keep(["a"], lambda: b"made") == b"made"
    assert cache.keep(["a"], refuse) == b"made"


def test_an_error_of_what_makes_it_is_no_matter_of_the_folder(folder, recwarn):
    def fail():
        raise OSError(12, "out of memory")

    with pytest.raises(OSError, match="out of memory"):
        cache.keep(["a"], fail)
    assert not recwarn.list
    assert kept(folder) == []
    assert cache.keep(["a"], lambda: b"made") == b"made"


def test_what_cannot_be_written_is_made_once(folder, monkeypatch):
    folder.mkdir()
    monkeypatch.setattr(cache.Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    made = []
    with pytest.warns(RuntimeWarning, match="No space left"):
        assert cache.keep(["a"], lambda: made.append(1) or b"made") == b"made"
    assert made == [1]


def test_racing_processes_make_it_once(folder):
    script = (
        "import time; from carwright.engine import cache\n"
        "def make():\n    print('made'); time.sleep(0.5); return b'7'\n"
        "print(cache.keep(['a'], make))"
    )
    runs = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    answers = [run.communicate()[0].split() for run in runs]
    assert [answer[-1] for answer in answers] == ["b'7'"] * 3
    assert sum("made" in answer for answer in answers) == 1


def test_code_is_kept_by_processor(folder, monkeypatch):
    cache.keep_code(["text"], ["vector.py"], lambda: b"made here")
    monkeypatch.setattr(cache, "_loaded", {})
    assert cache.keep_code(["text"], ["vector.py"], refuse) == b"made here"
    monkeypatch.setattr(cache, "processor", lambda: ("triple", "another", "features"))
    assert cache.keep_code(["text"], ["vector.py"], lambda: b"made there") == b"made there"


def test_code_is_kept_by_what_compiles_it(folder, monkeypatch):
    cache.keep_code(["text"], ["vector.py"], lambda: b"made before")
    monkeypatch.setattr(cache, "text_of", lambda name: f"another {name}")
    assert cache.keep_code(["text"], ["vector.py"], lambda: b"made after") == b"made after"
