"""Kernels on disk: found again, rebuilt when damaged, compiled once by racing processes, and not needed where
none can be kept.
"""

import subprocess
import sys

import pytest

from carwright.engine import cache

SOURCE = "from numba import njit\n@njit('float64(float64)', cache=True)\ndef f(x):\n    return {factor} * x\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    monkeypatch.setattr(cache, "_loaded", {})
    return tmp_path / "kernels"


def test_a_kernel_is_kept_and_found_again(folder, monkeypatch):
    source = SOURCE.format(factor=2.0)
    assert cache.load(source).f(3.0) == 6.0
    before = sorted(folder.rglob("*.nbc"))
    stamp = before[0].stat().st_mtime_ns
    monkeypatch.setattr(cache, "_loaded", {})
    again = cache.load(source)
    assert again.f(3.0) == 6.0
    assert again.f.stats.cache_hits
    assert before[0].stat().st_mtime_ns == stamp


@pytest.mark.parametrize("pattern", ["*.nbc", "*.nbi", "kernel.py", "manifest.json"])
def test_a_damaged_copy_is_rebuilt(folder, monkeypatch, pattern):
    source = SOURCE.format(factor=3.0)
    cache.load(source)
    damaged = next(folder.rglob(pattern))
    damaged.write_bytes(damaged.read_bytes()[: damaged.stat().st_size // 2])
    monkeypatch.setattr(cache, "_loaded", {})
    assert cache.load(source).f(2.0) == 6.0
    monkeypatch.setattr(cache, "_loaded", {})
    assert cache.load(source).f.stats.cache_hits


def test_a_folder_that_cannot_be_written_costs_a_notice_only(folder, tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv(cache.VARIABLE, str(blocked))
    with pytest.warns(RuntimeWarning, match="CARWRIGHT_CACHE"):
        assert cache.load(SOURCE.format(factor=4.0)).f(2.0) == 8.0


def test_racing_processes_compile_once(folder):
    script = (
        "import sys; from carwright.engine import cache; f = cache.load(sys.argv[1]).f; "
        "print(f(2.0), sum(f.stats.cache_misses.values()))"
    )
    source = SOURCE.format(factor=5.0)
    runs = [
        subprocess.Popen([sys.executable, "-c", script, source], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    answers = [run.communicate()[0].split() for run in runs]
    assert [answer[0] for answer in answers] == ["10.0"] * 3
    assert sum(int(answer[1]) for answer in answers) == 1
