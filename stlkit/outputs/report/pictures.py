"""Which pictures of a report are embedded, and how large they may be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from stlkit.outputs.report.kinds import PICTURES, FileKind
from stlkit.outputs.report.model import ModelCard, ModelFile
from stlkit.outputs.report.thumbnails import Thumbnail, Wanted, make_thumbnails

PAGE_BUDGET_BYTES = 24_000_000
"""What a page may weigh; a model always gets something, so several thousand models weigh more."""

_TEXT_BYTES = 7_000  # of a model's card without pictures
_FEWEST_BYTES, _MOST_BYTES = 4_000, 120_000  # of all pictures of one model
_BASE64 = 4 / 3
_MAIN_SHARE = 0.5
_MAIN_PX, _SMALL_PX = 640, 200


Progress = Callable[[int, int], None]
"""Called with the number of pictures that are done, and of all."""


def with_thumbnails(cards: Sequence[ModelCard], on_progress: Progress | None = None) -> tuple[ModelCard, ...]:
    """Make the small pictures of all models, within the budget of the page.

    Parameters
    ----------
    cards : sequence of ModelCard
    on_progress : callable, optional

    Returns
    -------
    tuple of ModelCard
        In the same order, with thumbnails, and with a note for each picture that could not be read.
    """
    if not cards:
        return ()
    share = (PAGE_BUDGET_BYTES / len(cards) - _TEXT_BYTES) / _BASE64
    allowance = int(min(max(share, _FEWEST_BYTES), _MOST_BYTES))
    plan = [(number, file, wanted) for number, card in enumerate(cards) for file, wanted in _wanted(card, allowance)]
    thumbnails: list[dict[ModelFile, Thumbnail]] = [{} for _ in cards]
    notes: list[list[str]] = [[] for _ in cards]
    made = make_thumbnails([wanted for _, _, wanted in plan])
    for done, ((number, file, _), result) in enumerate(zip(plan, made, strict=True), start=1):
        if isinstance(result, Thumbnail):
            thumbnails[number][file] = result
        else:
            notes[number].append(f"{file.relative_path} is not shown: {result}")
        if on_progress is not None:
            on_progress(done, len(plan))
    return tuple(
        replace(card, thumbnails=thumbnails[number], notes=(*card.notes, *notes[number]))
        for number, card in enumerate(cards)
    )


def _wanted(card: ModelCard, allowance: int) -> Iterator[tuple[ModelFile, Wanted]]:
    pictures = [file for file in card.files if file.kind in PICTURES and file.may_be_read]
    main = next((file for file in pictures if file.kind is FileKind.RENDER), None) or next(iter(pictures), None)
    for file in pictures:
        if file is main:
            limit, widest = int(allowance * (_MAIN_SHARE if len(pictures) > 1 else 1)), _MAIN_PX
        else:
            limit, widest = int(allowance * (1 - _MAIN_SHARE) / (len(pictures) - 1)), _SMALL_PX
        yield file, Wanted(path=file.path, widest_px=widest, limit_bytes=limit)
