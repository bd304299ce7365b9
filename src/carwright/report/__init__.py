"""The report: figures (one file each), templates and one offline HTML file."""

from carwright.report.write import write_report

__all__ = ["write_report"]
