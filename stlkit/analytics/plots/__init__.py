"""Pictures of the history; every function takes the table of `History.to_dataframe` and returns the axes it drew on.

Called without axes, a function makes a figure of its own that no other module knows of: nothing has to be closed, and
a notebook shows it because the axes know how to show themselves. Days and times are those of the table's time zone.
"""

from stlkit.analytics.plots.calendar import plot_calendar
from stlkit.analytics.plots.durations import plot_duration_vs_faces, plot_estimate_vs_actual, plot_stage_breakdown
from stlkit.analytics.plots.outcomes import plot_cumulative_output, plot_failure_causes, plot_jobs_per_day
from stlkit.analytics.plots.style import STATE_COLORS

__all__ = [
    "STATE_COLORS",
    "plot_calendar",
    "plot_cumulative_output",
    "plot_duration_vs_faces",
    "plot_estimate_vs_actual",
    "plot_failure_causes",
    "plot_jobs_per_day",
    "plot_stage_breakdown",
]
