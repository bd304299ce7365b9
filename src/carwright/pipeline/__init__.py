"""The main job from study to summary: draw patients, solve, grade, replay trials, summarise.

This room joins the others and holds no science of its own. It serves the command line, the Python API and the
report; no room of the line imports it.
"""

from carwright.pipeline.compare import compare_runs
from carwright.pipeline.run import run_study

__all__ = ["compare_runs", "run_study"]
