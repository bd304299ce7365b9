"""The real command line in a process of its own, with the computing rooms replaced by fakes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Result = subprocess.CompletedProcess[str]
FAKES = Path(__file__).with_name("fakes")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(FAKES), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "COLUMNS": "120"}


@pytest.fixture
def carwright(tmp_path: Path, environment: dict[str, str]) -> Callable[..., Result]:
    """Run ``carwright`` with arguments in an empty folder."""

    def call(*arguments: str | Path, **extra: Any) -> Result:
        return subprocess.run(
            [sys.executable, "-m", "carwright", *map(str, arguments)],
            cwd=tmp_path,
            env={**environment, **extra.pop("env", {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            **extra,
        )

    return call
