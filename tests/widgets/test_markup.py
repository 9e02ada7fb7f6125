from stlkit.model.reports import Finding, Severity
from stlkit_widgets.markup import escaped, finding_lines, isolated


def test_nothing_from_outside_becomes_an_element_or_leaves_an_attribute():
    """Angle brackets, quotes and ampersands lose their meaning."""
    assert escaped("<img src=x onerror='alert(1)'>\"&") == "&lt;img src=x onerror=&#x27;alert(1)&#x27;&gt;&quot;&amp;"


def test_every_text_can_be_sent_to_a_browser():
    """A lone surrogate, as an undecodable file name has it, is shown as its escape."""
    assert escaped("a\udcffb").encode("utf-8") == rb"a\udcffb"


def test_a_text_that_runs_from_right_to_left_stays_by_itself():
    """A direction mark in a file name turns that name alone."""
    assert isolated("gnp.\u202elts") == "<bdi>gnp.\u202elts</bdi>"


def test_a_finding_shows_its_weight_by_a_mark_and_by_a_word():
    """Colour is never the only sign, and the message is escaped."""
    finding = Finding(code="x", severity=Severity.WARNING, message="solid <b> is open")
    text = finding_lines([finding])
    assert text == '<p class="line"><span class="mark doubtful" title="warning">!</span>solid &lt;b&gt; is open</p>'
