"""The report of a target search: tables and one HTML page in a folder."""

from __future__ import annotations

from carwright.report.targets.folder import save_analysis
from carwright.report.targets.page import write_targets_report

__all__ = ["save_analysis", "write_targets_report"]
