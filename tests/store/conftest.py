"""Makes the job beside the tests importable."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_JOB = Path(__file__).with_name("job.py")
_spec = importlib.util.spec_from_file_location("store_job", _JOB)
assert _spec is not None
assert _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
sys.modules["store_job"] = _module
_spec.loader.exec_module(_module)
