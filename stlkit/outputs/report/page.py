"""The whole page as HTML."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from importlib import resources

from stlkit._version import __version__
from stlkit.model.amounts import file_size
from stlkit.model.html import Markup, element, isolated, joined
from stlkit.model.jobs import JobState
from stlkit.model.reports import counted
from stlkit.outputs.names import COMBINED_LOG_NAME, SUMMARY_NAME
from stlkit.outputs.report.amounts import days_text, moment_text, seconds_text, volume_text, whole
from stlkit.outputs.report.cards import STATES, card_html
from stlkit.outputs.report.model import ModelCard, ReportPage
from stlkit.outputs.report.statistics import Statistics

_ORDERS = (
    ("", "Name"),
    ("state", "State"),
    ("size", "Largest side"),
    ("volume", "Volume"),
    ("faces", "Faces"),
    ("warnings", "Most warnings"),
    ("duration", "Longest work"),
    ("ended", "Newest"),
)
_FINDINGS = (
    ("", "Any"),
    ("some", "With warnings"),
    ("none", "Without warnings"),
    ("repaired", "Repaired"),
)
_USUAL_ASPECT = 16 / 9


def page_html(page: ReportPage, statistics: Statistics) -> str:
    """Write a page that needs nothing beside itself.

    Style and script stand in it and are named by their hashes in a content security policy, so that a browser runs
    and loads nothing else, whatever a name or a message holds.

    Parameters
    ----------
    page : ReportPage
    statistics : Statistics
        Of its cards.

    Returns
    -------
    str

    Notes
    -----
    Source: W3C, *Content Security Policy Level 3*, 2.3.1 and 6.7.
    """
    style = Markup(_resource("page.css") + f":root{{--aspect:{_aspect(page.cards):.4f}}}\n")
    script = Markup(_resource("page.js"))
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="generator", content=f"stlkit {__version__}"),
        element("title", page.title),
        element("style", style),
    )
    body = element(
        "body",
        element("a", "Skip to the models", class_="skip", href="#models"),
        element("div", _opening(page, statistics), _tools(page.cards), _models(page.cards), class_="page"),
        element("div", _figures(statistics), _closing(page), class_="page end"),
        element("script", script),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def _resource(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _aspect(cards: Sequence[ModelCard]) -> float:
    """Return the commonest shape of the main pictures, so that most of them fill their place."""
    shapes = Counter(round(next(iter(card.thumbnails.values())).aspect, 4) for card in cards if card.thumbnails)
    aspect = shapes.most_common(1)[0][0] if shapes else _USUAL_ASPECT
    return min(max(aspect, 0.75), 2.0)


# --- above the models ---


def _opening(page: ReportPage, statistics: Statistics) -> Markup:
    lead = f"{counted(len(page.cards), 'model')}, {days_text(page.begun_at, page.ended_at)}"
    notes = tuple(element("li", note) for note in page.notes)
    return element(
        "header",
        element("h1", isolated(page.title)),
        element("p", lead, class_="lead"),
        _key_figures(len(page.cards), statistics),
        _bar(statistics),
        element("ul", *notes, class_="notes") if notes else None,
        class_="opening",
    )


def _key_figures(models: int, statistics: Statistics) -> Markup:
    completed = statistics.counts.get(JobState.COMPLETED, 0)
    figures = (
        (whole(completed), f"of {whole(models)} completed"),
        (whole(statistics.with_warnings), "with warnings"),
        (whole(statistics.files), f"files, {file_size(statistics.files_size_bytes)}"),
        (seconds_text(statistics.duration_s), "of work"),
    )
    items = (element("li", element("b", number), element("span", what)) for number, what in figures)
    return element("ul", *items, class_="key-figures")


def _bar(statistics: Statistics) -> Markup | None:
    """Draw the shares of the states; the words stand beside it, so that it needs no colours."""
    total = sum(statistics.counts.values())
    if not total:
        return None
    parts, keys, begin = [], [], 0.0
    for state, count in statistics.counts.items():
        width = 1000 * count / total
        gap = 3 if begin else 0
        parts.append(
            element("rect", class_=str(state), x=f"{begin + gap:.2f}", width=f"{max(width - gap, 1):.2f}", height="10")
        )
        keys.append(element("li", f"{whole(count)} {STATES[state][1].lower()}", class_=str(state)))
        begin += width
    picture = element("svg", *parts, viewBox="0 0 1000 10", preserveAspectRatio="none", aria_hidden="true")
    return element("div", picture, element("ul", *keys), class_="bar")


def _tools(cards: Sequence[ModelCard]) -> Markup:
    counts = Counter(card.state for card in cards)
    states = [("", f"All ({len(cards):,})")]
    states += [(str(state), f"{STATES[state][1]} ({counts[state]:,})") for state in JobState if counts[state]]
    search = element("input", type="search", id="text", autocomplete="off", placeholder="Name, finding, colour …")
    return element(
        "form",
        element("label", element("span", "Search"), search, class_="search"),
        _choice("State", "state", states),
        _choice("Findings", "findings", _FINDINGS),
        _choice("Order", "order", _ORDERS),
        element("output", counted(len(cards), "model"), id="shown", aria_live="polite"),
        class_="tools",
        id="tools",
        role="search",
        hidden=True,
    )


def _choice(label: str, name: str, options: Sequence[tuple[str, str]]) -> Markup:
    entries = (element("option", text, value=value) for value, text in options)
    return element("label", element("span", label), element("select", *entries, id=name))


# --- the models ---


def _models(cards: Sequence[ModelCard]) -> Markup:
    with_picture = any(card.thumbnails for card in cards)
    if not cards:
        inside = element("p", "There are no models in this folder yet.", class_="nothing")
    else:
        inside = joined(
            element("div", *(card_html(card, with_picture=with_picture) for card in cards), class_="cards", id="cards"),
            element(
                "p",
                "No model fits. ",
                element("button", "Show all", type="button", id="reset"),
                class_="nothing",
                id="nothing",
                hidden=True,
            ),
        )
    return element("main", element("h2", "Models", class_="unseen"), inside, id="models", tabindex="-1")


# --- below the models ---


def _figures(statistics: Statistics) -> Markup:
    meanings = tuple(
        element("li", element("span", meaning), element("b", counted(count, "model")))
        for meaning, count in statistics.meanings
    )
    common = joined(element("h3", "What the warnings mean"), element("ol", *meanings, class_="common"))
    return element(
        "section",
        element("h2", "The run in figures", id="figures"),
        element("dl", *_figure_rows(statistics), class_="figures"),
        common if meanings else None,
        aria_labelledby="figures",
    )


def _figure_rows(statistics: Statistics) -> tuple[Markup, ...]:
    rows = [(STATES[state][1], whole(count)) for state, count in statistics.counts.items()]
    rows += [("With warnings", whole(statistics.with_warnings)), ("Repaired", whole(statistics.repaired))]
    if statistics.measured:
        rows.append(("Watertight", f"{whole(statistics.watertight)} of {whole(statistics.measured)}"))
    rows += [("Files", f"{whole(statistics.files)}, {file_size(statistics.files_size_bytes)}")]
    if statistics.faces:
        rows.append(("Faces in all", whole(statistics.faces)))
    if statistics.volume_mm3:
        rows.append(("Volume in all", volume_text(statistics.volume_mm3)))
    if statistics.duration_s:
        rows.append(("Work in all", seconds_text(statistics.duration_s)))
    if statistics.median_duration_s is not None and statistics.longest is not None:
        longest = statistics.longest
        rows.append(("Work on a model", f"{seconds_text(statistics.median_duration_s)} (median)"))
        took = seconds_text(longest.duration_s or 0.0)
        rows.append(("Longest", joined(took, ", ", isolated(longest.name))))
    return tuple(element("div", element("dt", term), element("dd", value)) for term, value in rows)


def _closing(page: ReportPage) -> Markup:
    return element(
        "footer",
        element("p", f"State of {moment_text(page.ended_at)}. Made with stlkit {__version__}."),
        element(
            "p",
            "Links to files work while this page lies in its folder. See also ",
            element("a", "the summary for programs", href=SUMMARY_NAME),
            " and ",
            element("a", "the log", href=COMBINED_LOG_NAME),
            ".",
        ),
    )
