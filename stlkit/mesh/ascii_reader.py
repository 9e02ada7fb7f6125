"""ASCII STL: every whole facet of a written file, however the rest of it was damaged."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stlkit.mesh.ascii_structure import COORDINATES, Names, Structure, find_structure
from stlkit.mesh.ascii_tokens import Numbers, Words, read_numbers, split_words
from stlkit.mesh.codes import IntakeCode, intake_finding
from stlkit.mesh.facets import Facets, finite_faces, non_finite_finding
from stlkit.mesh.sniffing import as_bytes_text, utf16_encoding
from stlkit.model.reports import Finding, StlFormat, counted

_KEYWORDS_IN_NAMES = (b"vertex", b"facet")
_NAMES_KEPT = 1000
_LETTERS_KEPT = 1000


def read_ascii(data: bytes) -> Facets:
    """Read an ASCII STL file.

    Parameters
    ----------
    data : bytes
        The whole file, in any encoding that keeps ASCII, or in UTF-16.

    Returns
    -------
    Facets
        Every facet with three vertices of three finite numbers each.
    """
    text = as_bytes_text(data)
    words = split_words(text)
    structure = find_structure(words)
    numbers = read_numbers(words, (structure.loops[:, None] + COORDINATES).ravel())
    whole = numbers.valid.reshape(-1, 9).all(axis=1)
    with np.errstate(over="ignore"):  # 1e39 becomes infinite, and is reported as such
        triangles = numbers.values.astype(np.float32).reshape(-1, 3, 3)[whole]
    face_numbers = structure.facet_numbers[whole]
    finite = finite_faces(triangles)
    findings = [
        *_text_findings(data, text, words),
        *_name_findings(structure.names),
        *_damage_findings(structure, int(np.count_nonzero(whole)), int(np.count_nonzero(~whole))),
        *_number_findings(numbers, structure.facet_numbers),
    ]
    if not finite.all():
        findings.append(non_finite_finding(face_numbers[~finite]))
    triangles, face_numbers = triangles[finite], face_numbers[finite]
    return Facets(
        format=StlFormat.ASCII,
        triangles=triangles,
        face_numbers=None if _in_sequence(face_numbers) else face_numbers,
        solid_names=tuple(_decoded(name)[:_LETTERS_KEPT] for name in structure.names.solids[:_NAMES_KEPT]),
        findings=tuple(findings),
    )


def _in_sequence(face_numbers: npt.NDArray[np.int64]) -> bool:
    return len(face_numbers) == 0 or int(face_numbers[-1]) == len(face_numbers) - 1


def _decoded(name: bytes) -> str:
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        return name.decode("latin-1")


def _text_findings(data: bytes, text: bytes, words: Words) -> list[Finding]:
    found = []
    if utf16_encoding(data):
        found.append(intake_finding(IntakeCode.UTF16_TEXT, "the text is in UTF-16, which few programs read"))
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        found.append(intake_finding(IntakeCode.BYTE_ORDER_MARK, "a byte order mark stands in front of 'solid'"))
    if words.has_upper_case:
        found.append(intake_finding(IntakeCode.UPPER_CASE, "keywords are written with capital letters"))
    if b"\t" in text:
        found.append(intake_finding(IntakeCode.TABS, "the text is indented with tabs"))
    pairs = text.count(b"\r\n")
    if pairs:
        found.append(intake_finding(IntakeCode.CRLF_LINE_ENDS, "lines end in CR LF, as on Windows", count=pairs))
    lone = text.count(b"\r") - pairs
    if lone:
        found.append(intake_finding(IntakeCode.CR_LINE_ENDS, "lines end in CR alone, as on old Macs", count=lone))
    return found


def _name_findings(names: Names) -> list[Finding]:
    found = []
    if len(names.solids) > 1:
        message = f"the file holds {len(names.solids):,} solids; they are taken as one model"
        found.append(intake_finding(IntakeCode.SEVERAL_SOLIDS, message, count=len(names.solids)))
    everything = (*names.solids, *names.endsolids)
    if not all(name.isascii() for name in everything):
        found.append(intake_finding(IntakeCode.NON_ASCII_NAME, "the name of a solid is not plain ASCII"))
    if any(keyword in name.lower() for name in everything for keyword in _KEYWORDS_IN_NAMES):
        message = "the name of a solid contains 'vertex' or 'facet', which misleads some programs"
        found.append(intake_finding(IntakeCode.KEYWORD_IN_NAME, message))
    return found


def _damage_findings(structure: Structure, read: int, unreadable: int) -> list[Finding]:
    found = []
    names = structure.names
    if not names.begins:
        message = "the text does not begin with a 'solid' line; its beginning may be missing"
        found.append(intake_finding(IntakeCode.MISSING_SOLID, message))
    if structure.cut:
        message = f"the text ends inside a facet; {read:,} whole facets were read; download or export the file again"
        found.append(intake_finding(IntakeCode.TRUNCATED_ASCII, message, count=read))
    unended = len(names.solids) - len(names.endsolids) - int(structure.cut)
    if unended > 0:
        message = f"'endsolid' is missing; {read:,} whole facets were read, more may have followed"
        found.append(intake_finding(IntakeCode.MISSING_ENDSOLID, message, count=unended))
    malformed = structure.malformed + unreadable
    if malformed:
        one = "facet is not three vertices of three numbers each and was left out"
        many = "facets are not three vertices of three numbers each and were left out"
        message = f"{counted(malformed, one, many)}; {read:,} whole facets were read"
        found.append(intake_finding(IntakeCode.MALFORMED_FACETS, message, count=malformed))
    if structure.irregular:
        lacking = counted(structure.irregular, "facet lacks its", "facets lack their")
        message = f"{lacking} normal or 'endfacet'; the corners are whole and were read"
        found.append(intake_finding(IntakeCode.IRREGULAR_FACETS, message, count=structure.irregular))
    if structure.stray_words:
        message = f"{counted(structure.stray_words, 'word belongs', 'words belong')} to no facet; passed over"
        found.append(intake_finding(IntakeCode.UNEXPECTED_TEXT, message, count=structure.stray_words))
    return found


def _number_findings(numbers: Numbers, facet_numbers: npt.NDArray[np.int64]) -> list[Finding]:
    commas = (numbers.commas & numbers.valid).reshape(-1, 9)
    if not commas.any():
        return []
    count = int(np.count_nonzero(commas))
    commas_read = counted(count, "coordinate has a decimal comma and was", "coordinates have a decimal comma and were")
    message = f"{commas_read} read as such: 1,5 as one and a half"
    return [intake_finding(IntakeCode.DECIMAL_COMMA, message, count=count, faces=facet_numbers[commas.any(axis=1)])]
