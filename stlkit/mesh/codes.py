"""The stable names of everything that can be found out about a file or a mesh, and what each one weighs."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from stlkit.model.reports import Finding, Severity

FACES_SHOWN = 20
"""How many face numbers a finding carries at most."""


class IntakeCode(StrEnum):
    """What the reader may notice about a file."""

    # There is no file to read.
    MISSING_FILE = "missing_file"
    BROKEN_SYMLINK = "broken_symlink"
    DIRECTORY = "directory"
    NOT_A_REGULAR_FILE = "not_a_regular_file"
    UNREADABLE_FILE = "unreadable_file"
    FILE_TOO_LARGE = "file_too_large"
    # There is one, but nothing in it is a mesh.
    EMPTY_FILE = "empty_file"
    TOO_SHORT = "too_short"
    ZERO_TRIANGLES = "zero_triangles"
    HTML_PAGE = "html_page"
    ZIP_ARCHIVE = "zip_archive"
    THREEMF_PACKAGE = "threemf_package"
    COMPRESSED_FILE = "compressed_file"
    OBJ_MODEL = "obj_model"
    OTHER_MODEL = "other_model"
    PICTURE = "picture"
    PDF_DOCUMENT = "pdf_document"
    POINTER_FILE = "pointer_file"
    FINDER_METADATA = "finder_metadata"
    TEXT_FILE = "text_file"
    UNKNOWN_CONTENT = "unknown_content"
    # Something was lost, or may have been.
    TRUNCATED_BINARY = "truncated_binary"
    TRAILING_BYTES = "trailing_bytes"
    COUNT_TOO_SMALL = "count_too_small"
    COUNT_TOO_LARGE = "count_too_large"
    COUNT_ZERO = "count_zero"
    TRUNCATED_ASCII = "truncated_ascii"
    MISSING_SOLID = "missing_solid"
    MISSING_ENDSOLID = "missing_endsolid"
    MALFORMED_FACETS = "malformed_facets"
    IRREGULAR_FACETS = "irregular_facets"
    UNEXPECTED_TEXT = "unexpected_text"
    DECIMAL_COMMA = "decimal_comma"
    NON_FINITE = "non_finite"
    ZERO_AREA_FACES = "zero_area_faces"
    # Odd, but nothing is lost.
    SOLID_IN_BINARY_HEADER = "solid_in_binary_header"
    SEVERAL_SOLIDS = "several_solids"
    UPPER_CASE = "upper_case"
    TABS = "tabs"
    CR_LINE_ENDS = "cr_line_ends"
    CRLF_LINE_ENDS = "crlf_line_ends"
    BYTE_ORDER_MARK = "byte_order_mark"
    UTF16_TEXT = "utf16_text"
    NON_ASCII_NAME = "non_ascii_name"
    KEYWORD_IN_NAME = "keyword_in_name"
    MAGICS_COLORS = "magics_colors"
    MAGICS_OBJECT_COLOR = "magics_object_color"
    VISCAM_COLORS = "viscam_colors"
    ATTRIBUTE_DATA = "attribute_data"


class CheckCode(StrEnum):
    """What the checks may find wrong with a mesh."""

    OPEN_EDGES = "open_edges"
    INCONSISTENT_WINDING = "inconsistent_winding"
    INVERTED_NORMALS = "inverted_normals"
    DEGENERATE_FACES = "degenerate_faces"
    DUPLICATE_FACES = "duplicate_faces"
    MULTIPLE_BODIES = "multiple_bodies"
    NON_MANIFOLD_EDGES = "non_manifold_edges"
    NON_MANIFOLD_VERTICES = "non_manifold_vertices"
    REPAIR_REFUSED = "repair_refused"


class RepairCode(StrEnum):
    """What a repair may do to a mesh."""

    WELDED_VERTICES = "welded_vertices"
    REMOVED_DEGENERATE_FACES = "removed_degenerate_faces"
    FLIPPED_SLIVER_EDGES = "flipped_sliver_edges"
    REMOVED_DUPLICATE_FACES = "removed_duplicate_faces"
    ALIGNED_WINDING = "aligned_winding"
    TURNED_OUTWARD = "turned_outward"
    CLOSED_HOLES = "closed_holes"


_ERRORS = frozenset(
    {
        IntakeCode.MISSING_FILE,
        IntakeCode.BROKEN_SYMLINK,
        IntakeCode.DIRECTORY,
        IntakeCode.NOT_A_REGULAR_FILE,
        IntakeCode.UNREADABLE_FILE,
        IntakeCode.FILE_TOO_LARGE,
        IntakeCode.EMPTY_FILE,
        IntakeCode.TOO_SHORT,
        IntakeCode.ZERO_TRIANGLES,
        IntakeCode.HTML_PAGE,
        IntakeCode.ZIP_ARCHIVE,
        IntakeCode.THREEMF_PACKAGE,
        IntakeCode.COMPRESSED_FILE,
        IntakeCode.OBJ_MODEL,
        IntakeCode.OTHER_MODEL,
        IntakeCode.PICTURE,
        IntakeCode.PDF_DOCUMENT,
        IntakeCode.POINTER_FILE,
        IntakeCode.FINDER_METADATA,
        IntakeCode.TEXT_FILE,
        IntakeCode.UNKNOWN_CONTENT,
    }
)
_ODDITIES = frozenset(
    {
        IntakeCode.SOLID_IN_BINARY_HEADER,
        IntakeCode.SEVERAL_SOLIDS,
        IntakeCode.UPPER_CASE,
        IntakeCode.TABS,
        IntakeCode.CR_LINE_ENDS,
        IntakeCode.CRLF_LINE_ENDS,
        IntakeCode.BYTE_ORDER_MARK,
        IntakeCode.UTF16_TEXT,
        IntakeCode.NON_ASCII_NAME,
        IntakeCode.KEYWORD_IN_NAME,
        IntakeCode.MAGICS_COLORS,
        IntakeCode.MAGICS_OBJECT_COLOR,
        IntakeCode.VISCAM_COLORS,
        IntakeCode.ATTRIBUTE_DATA,
    }
)


def severity_of(code: IntakeCode) -> Severity:
    """Return what a finding of the reader weighs: nothing left, something lost, or merely odd."""
    if code in _ERRORS:
        return Severity.ERROR
    return Severity.INFO if code in _ODDITIES else Severity.WARNING


def intake_finding(code: IntakeCode, message: str, *, count: int | None = None, faces: Iterable[int] = ()) -> Finding:
    """Build a finding of the reader, with the severity of its code and at most 20 face numbers."""
    return Finding(code=code.value, severity=severity_of(code), message=message, count=count, faces=_first(faces))


def check_finding(
    code: CheckCode,
    message: str,
    *,
    count: int | None = None,
    faces: Iterable[int] = (),
    severity: Severity = Severity.WARNING,
) -> Finding:
    """Build a finding of the checks, with at most 20 face numbers."""
    return Finding(code=code.value, severity=severity, message=message, count=count, faces=_first(faces))


def _first(faces: Iterable[int]) -> tuple[int, ...]:
    return tuple(int(face) for _, face in zip(range(FACES_SHOWN), faces, strict=False))
