import pytest

from stlkit.rendering.fonts import ELLIPSIS, font_for, one_line, shortened, without_boxes


def test_text_is_brought_into_one_line():
    """Line breaks, tabs and control characters become single spaces; bytes that are no text become a mark."""
    assert one_line("a\n\tb\x00  c\u202e") == "a b c"
    assert one_line("a\udcffb") == "a?b"


def test_a_short_title_is_left_alone():
    """What fits is not touched."""
    assert shortened("gear", font_for("gear", 20), 500) == "gear"


@pytest.mark.parametrize("room", [0, 15, 60, 200, 300])
def test_a_long_title_is_cut_in_its_middle(room):
    """What is too wide loses letters in its middle until it fits; its beginning and end stay."""
    title = "left bracket for the second axis, version 17"
    font = font_for(title, 20)
    cut = shortened(title, font, room)
    assert ELLIPSIS in cut
    assert font.getlength(cut) <= max(room, font.getlength(ELLIPSIS))
    if room >= 200:
        assert cut.startswith("left bra")
        assert cut.endswith("17")


@pytest.mark.parametrize("text", ["gear", "Zahnrad für Ø 5 mm", "шестерня", "歯車", "ترس", "⚙️ 🦷", ""])
def test_every_script_can_be_drawn(text):
    """There is a font for every text, if only one that draws boxes."""
    assert font_for(text, 20).getlength(text) >= 0
    assert font_for(text, 20, bold=True).size == 20


def test_letters_that_a_font_lacks_are_left_out():
    """No boxes stand in a title: hieroglyphs go, with the blank before them, and accents stay."""
    font = font_for("Größe", 20)
    assert without_boxes("Größe 𓀀𓀁 2", font) == "Größe 2"
    assert without_boxes("𓀀", font) == ""
