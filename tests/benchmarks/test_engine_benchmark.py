"""The benchmark command gives its figures in the promised shape; how large they are is not tested."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.measure import errors, ratios, speed_at  # noqa: E402


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    place = tmp_path_factory.mktemp("results") / "engine"
    command = [sys.executable, "-m", "benchmarks.engine", "--quick", "--json", "--patients", "16", "--peers", "scipy",
               "--models", "cart18", "--store", str(place)]  # fmt: skip
    path = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(command, capture_output=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(place.with_suffix(".json").read_text()) == json.loads(done.stdout)
    assert "| carwright Rodas5P | cart18 |" in place.with_suffix(".md").read_text()
    return json.loads(done.stdout)


def test_one_object_with_rows_ratios_versions_and_machine(result):
    assert {row["peer"] for row in result["rows"]} == {"carwright", "scipy"}
    for row in result["rows"]:
        assert {"engine", "model", "rtol", "median_error", "patients_per_cpu_second"} <= set(row)
        assert row["model"] == "cart18"
        assert row["patients_per_cpu_second"] > 0
    assert set(result["ratios"]) == {"scipy"}
    assert {"carwright", "numba", "scipy"} <= set(result["versions"])
    assert result["machine"]["processor"]


def test_errors_fall_with_the_tolerance_and_engines_agree(result):
    for name in {row["engine"] for row in result["rows"]}:
        found = [
            row["median_error"] for row in sorted(result["rows"], key=lambda r: -r["rtol"]) if row["engine"] == name
        ]
        assert found == sorted(found, reverse=True)
        assert found[-1] < 2e-5


def test_speed_is_read_off_between_two_tolerances_and_never_beyond():
    rows = [
        {"engine": "a", "peer": "a", "model": "m", "median_error": 1e-4, "patients_per_cpu_second": 1000.0},
        {"engine": "a", "peer": "a", "model": "m", "median_error": 1e-6, "patients_per_cpu_second": 10.0},
        {"engine": "b", "peer": "b", "model": "m", "median_error": 1e-7, "patients_per_cpu_second": 1.0},
        {"engine": "b", "peer": "b", "model": "m", "median_error": 1e-5, "patients_per_cpu_second": 4.0},
    ]
    assert speed_at(rows[:2], 1e-5) == pytest.approx(100.0)
    assert speed_at(rows[:2], 1e-3) is None
    found = ratios(rows, "a")["m"]["b"]
    assert found["1e-05"] == pytest.approx(25.0)
    assert found["1e-06"] == pytest.approx(5.0)
    assert found["2e-05"] == found["1e-05"]  # at the loosest error that b was run at


def test_errors_are_relative_to_the_course_and_failures_are_infinite():
    exact = np.array([[[1000.0, 0.0], [1.0, 0.0]]])

    def error(*moved, resolution=(0.0, 0.0)):
        return errors(np.array([moved]), exact, np.array(resolution))[0]

    assert error((1000.0, 0.0), (1.02, 0.0)) == pytest.approx(0.01)
    assert error((1000.0, 0.0), (np.nan, 0.0)) == np.inf
    assert error((1000.0, 1e-9), (1.0, 0.0)) == np.inf
    assert error((1000.0, 1e-9), (1.0, 0.0), resolution=(0.0, 1e-3)) == pytest.approx(1e-6)
