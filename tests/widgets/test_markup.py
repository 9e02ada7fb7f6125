import pytest

from stlkit.model.reports import Finding, Severity
from stlkit_widgets.markup import escaped, file_size, finding_lines, isolated


def test_nothing_from_outside_becomes_an_element_or_leaves_an_attribute():
    """Angle brackets, quotes and ampersands lose their meaning."""
    assert escaped("<img src=x onerror='alert(1)'>\"&") == "&lt;img src=x onerror=&#x27;alert(1)&#x27;&gt;&quot;&amp;"


def test_every_text_can_be_sent_to_a_browser():
    """A lone surrogate, as an undecodable file name has it, is shown as its escape."""
    assert escaped("a\udcffb").encode("utf-8") == rb"a\udcffb"


def test_a_text_that_runs_from_right_to_left_stays_by_itself():
    """A direction mark in a file name turns that name alone."""
    assert isolated("gnp.\u202elts") == "<bdi>gnp.\u202elts</bdi>"


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (99_940, "99.9 kB"), (99_960, "100 kB"), (999_499, "999 kB"),
     (999_500, "1.0 MB"), (66_000_000, "66.0 MB"), (3_210_000_000, "3.2 GB")],
)  # fmt: skip
def test_amounts_of_bytes_are_decimal_and_short(size_bytes, text):
    """Three digits at most, and a unit."""
    assert file_size(size_bytes) == text


def test_a_finding_shows_its_weight_by_a_mark_and_by_a_word():
    """Colour is never the only sign, and the message is escaped."""
    finding = Finding(code="x", severity=Severity.WARNING, message="solid <b> is open")
    text = finding_lines([finding])
    assert text == '<p class="line"><span class="mark doubtful" title="warning">!</span>solid &lt;b&gt; is open</p>'
