"""``report.html``: one page about an output folder, that needs nothing beside itself."""

from stlkit.outputs.report.pictures import Progress
from stlkit.outputs.report.writing import Report, write_report

__all__ = ["Progress", "Report", "write_report"]
