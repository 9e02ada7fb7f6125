"""How a queue's progress is shown where colours are forced but nothing can be drawn over."""

import io

from rich.console import Console

from stlkit.engine.progress_bar import showing_progress


def test_forced_colors_do_not_bring_bars_into_a_file(bench):
    """A notebook forces colours on every program it starts; it still gets one line for each job that ends."""
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    bench.add("ok.stl")
    with showing_progress(bench.queue, console):
        bench.queue.start()  # which a person did, and need not be told of
        assert bench.queue.wait(60)
    assert console.file.getvalue().count("\n") == 1
