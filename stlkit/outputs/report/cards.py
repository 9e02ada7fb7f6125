"""One model as HTML."""

from __future__ import annotations

from collections.abc import Iterator

from stlkit.model.html import Markup, element, isolated, joined
from stlkit.model.jobs import JobState
from stlkit.model.reports import Severity, counted
from stlkit.outputs.report.addresses import relative_url
from stlkit.outputs.report.amounts import lengths_text, mass_text, seconds_text, volume_text, whole
from stlkit.outputs.report.kinds import FileKind
from stlkit.outputs.report.model import ModelCard, ModelFile, Remark

STATES = {
    JobState.COMPLETED: ("✓", "Completed"),
    JobState.FAILED: ("✗", "Failed"),
    JobState.SKIPPED: ("–", "Skipped"),
    JobState.CANCELLED: ("–", "Cancelled"),
    JobState.PENDING: ("…", "Waiting"),
    JobState.PAUSED: ("…", "Paused"),
    JobState.VALIDATING: ("…", "Being checked"),
    JobState.PROCESSING: ("…", "In progress"),
}
"""Mark and name of each state; a colour never stands alone."""

_SHORTEST_WORK_S = 0.05  # below that everything was there already
_MARKS = {Severity.ERROR: "✗", Severity.WARNING: "!", Severity.INFO: "i"}
_CUBE = element(
    "svg",
    element("path", d="M32 6 56 19v26L32 58 8 45V19zM8 19l24 13 24-13M32 32v26"),
    viewBox="0 0 64 64",
    aria_hidden="true",
)


def card_html(card: ModelCard, *, with_picture: bool) -> Markup:
    """Write the card of one model.

    Parameters
    ----------
    card : ModelCard
    with_picture : bool
        Whether the page has pictures at all; then a card without one says so.

    Returns
    -------
    Markup
    """
    return element(
        "article",
        _picture(card) if with_picture else None,
        _strip(card),
        element(
            "div",
            element("header", element("h3", isolated(card.name)), state_html(card.state)),
            _reason(card),
            _measures(card),
            _traits(card),
            _findings(card),
            _links(card),
            _notes(card),
            class_="body",
        ),
        class_="card",
        data_state=str(card.state),
        **_sort_keys(card),
    )


def state_html(state: JobState) -> Markup:
    """Write a state with its mark."""
    mark, name = STATES[state]
    return element("span", element("span", mark, aria_hidden="true"), f" {name}", class_=f"state {state}")


def _sort_keys(card: ModelCard) -> dict[str, str | bool | None]:
    measures = card.measures
    largest_mm = max(measures.size_mm) if measures.size_mm else None
    numbers = {
        "size": largest_mm,
        "volume": measures.volume_mm3,
        "faces": measures.faces,
        "duration": card.duration_s,
        "ended": card.completed_at.timestamp() if card.completed_at else None,
    }
    keys: dict[str, str | bool | None] = {
        f"data_{key}": f"{value:.12g}" for key, value in numbers.items() if value is not None
    }
    return keys | {"data_warnings": str(card.warnings), "data_repaired": bool(card.repairs)}


def _picture(card: ModelCard) -> Markup:
    file = _main_picture(card)
    if file is None:
        return element("div", _CUBE, element("span", "No picture"), class_="picture none")
    return _thumbnail_link(card, file, "picture")


def _main_picture(card: ModelCard) -> ModelFile | None:
    """Return the main picture, or else the first other one; files are in the order of their kinds."""
    return next(iter(card.thumbnails), None)


def _strip(card: ModelCard) -> Markup | None:
    main = _main_picture(card)
    others = tuple(_thumbnail_link(card, file, None) for file in card.thumbnails if file is not main)
    return element("div", *others, class_="strip") if others else None


def _thumbnail_link(card: ModelCard, file: ModelFile, class_: str | None) -> Markup:
    thumbnail = card.thumbnails[file]
    shown = f"in {file.label}" if file.kind is FileKind.COLOR else file.label.lower()
    image = element(
        "img",
        src=thumbnail.data_url,
        alt=f"{card.name}, {shown}",
        width=str(thumbnail.width_px),
        height=str(thumbnail.height_px),
        loading="lazy",
        decoding="async",
    )
    return element("a", image, class_=class_, href=_address(file), title=file.label)


def _address(file: ModelFile) -> str | None:
    return None if file.relative_path is None else relative_url(file.relative_path)


def _reason(card: ModelCard) -> Markup | None:
    if card.reason is None:
        return None
    lines = (element("p", line) for line in card.reason.splitlines() if line.strip())
    meanings = (element("p", meaning, class_="quiet") for meaning in card.reason_meanings)
    return element("div", *lines, *meanings, class_="reason")


def _measures(card: ModelCard) -> Markup | None:
    rows = tuple(_measure_rows(card))
    return element("dl", *rows, class_="measures") if rows else None


def _measure_rows(card: ModelCard) -> Iterator[Markup]:
    measures = card.measures
    if measures.size_mm and measures.size_inch:
        in_inches = element("span", lengths_text(measures.size_inch, "in"), class_="quiet")
        yield _row("Width × depth × height", joined(lengths_text(measures.size_mm, "mm"), in_inches), class_="wide")
    if measures.volume_mm3 is not None:
        yield _row("Volume", volume_text(measures.volume_mm3))
    if measures.mass_g is not None and measures.density_g_cm3 is not None:
        basis = f"At {measures.density_g_cm3:g} g/cm³, 100 % infill"
        yield _row("Weight, solid", mass_text(measures.mass_g), title=basis)
    if measures.faces is not None:
        yield _row("Faces", whole(measures.faces))


def _row(term: str, value: str, **attributes: str) -> Markup:
    return element("div", element("dt", term), element("dd", value), **attributes)


def _traits(card: ModelCard) -> Markup | None:
    measures = card.measures
    traits: list[str] = []
    if card.source_name != f"{card.name}.stl":
        traits.append(joined("From ", isolated(card.source_name)))
    if measures.watertight is not None:
        traits.append("Watertight" if measures.watertight else "Not closed")
    if measures.bodies is not None and measures.bodies > 1:
        traits.append(counted(measures.bodies, "separate part"))
    if card.repairs:
        traits.append("Repaired")
    if card.duration_s and card.duration_s >= _SHORTEST_WORK_S and card.state is JobState.COMPLETED:
        traits.append(f"Made in {seconds_text(card.duration_s)}")
    if card.attempts > 1:
        traits.append(counted(card.attempts, "attempt"))
    return element("ul", *(element("li", trait) for trait in traits), class_="traits") if traits else None


def _findings(card: ModelCard) -> Markup | None:
    if not card.remarks and not card.repairs:
        return None
    entries = [_remark(remark, str(remark.severity), _MARKS[remark.severity]) for remark in card.remarks]
    entries += [_remark(repair, "repair", "✓", before="Repaired: ") for repair in card.repairs]
    title = element("summary", _findings_title(card), class_="has-warnings" if card.listed_warnings else None)
    return element("details", title, element("ul", *entries), class_="findings")


def _findings_title(card: ModelCard) -> str:
    others = len(card.remarks) - card.listed_warnings
    parts = (
        counted(card.listed_warnings, "warning") if card.listed_warnings else "",
        counted(others, "remark") if others else "",
        counted(len(card.repairs), "repair") if card.repairs else "",
    )
    return ", ".join(part for part in parts if part)


def _remark(remark: Remark, class_: str, mark: str, *, before: str = "") -> Markup:
    meaning = element("p", remark.meaning, class_="quiet") if remark.meaning else None
    return element(
        "li",
        element("span", mark, class_="mark", aria_hidden="true"),
        element("p", f"{before}{remark.message}"),
        meaning,
        class_=class_,
    )


def _links(card: ModelCard) -> Markup | None:
    links = tuple(
        element("a", file.label, href=_address(file))
        for file in card.files
        if file.relative_path is not None and not (file.kind is FileKind.COLOR and file in card.thumbnails)
    )
    return element("nav", *links, aria_label=f"Files of {card.name}") if links else None


def _notes(card: ModelCard) -> Markup | None:
    return element("ul", *(element("li", note) for note in card.notes), class_="notes") if card.notes else None
