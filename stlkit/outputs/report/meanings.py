"""What a finding means for whoever sells or prints the model, in plain words."""

from __future__ import annotations

UNITS_DOUBT = "units_doubt"
"""The code under which the page shows a doubt about the unit of length."""

_CUT = "Part of the model is missing. Get the file again, whole, before you list it."
_NO_MODEL = "There is no model in this file. Get the file again from where it came from."
_EXPORT = "It may hold a model, but not as STL. Open it in the program it belongs to and export it as STL."
_OUT_OF_REACH = "The file could not be opened, so nothing is known about the model."
_SPELLING = "Only a matter of how the file is written. The model is complete."
_COLORS = "The file brings its own colours, which most printers and slicers ignore."
_COUNT = "The file contradicts itself about its length. Compare the picture with what you expect."
_DROPPED = "The damaged places were left out, so small holes are possible there."
_MENDED_SHAPE = "The shape did not change; slicers merely have less to trip over."

_MEANINGS = {
    "missing_file": _OUT_OF_REACH,
    "broken_symlink": _OUT_OF_REACH,
    "directory": _OUT_OF_REACH,
    "not_a_regular_file": _OUT_OF_REACH,
    "unreadable_file": _OUT_OF_REACH,
    "file_too_large": "The model is finer than this machine can hold. A coarser export looks the same when printed.",
    "empty_file": _NO_MODEL,
    "too_short": _NO_MODEL,
    "zero_triangles": _NO_MODEL,
    "html_page": "A shop's or forum's page was saved in place of the model, often because a log-in was needed.",
    "zip_archive": "The model is probably inside, still packed.",
    "threemf_package": _EXPORT,
    "compressed_file": "The model is probably inside, still packed.",
    "obj_model": _EXPORT,
    "other_model": _EXPORT,
    "picture": "This is a picture of something, not a model of it.",
    "pdf_document": "This is a document, not a model.",
    "pointer_file": "The file only says where the model is stored.",
    "finder_metadata": "A Mac left this beside the real file. It can be deleted.",
    "text_file": _NO_MODEL,
    "unknown_content": _NO_MODEL,
    "truncated_binary": _CUT,
    "trailing_bytes": "Something was appended to the file. The model before it is complete.",
    "count_too_small": _COUNT,
    "count_too_large": _COUNT,
    "count_zero": _COUNT,
    "truncated_ascii": _CUT,
    "missing_solid": "The beginning of the file is missing, and perhaps a part of the model with it.",
    "missing_endsolid": "The end of the file is missing, and perhaps a part of the model with it.",
    "malformed_facets": _DROPPED,
    "irregular_facets": _SPELLING,
    "unexpected_text": "There is text in the file that no STL reader knows. Compare the picture with what you expect.",
    "decimal_comma": "The program that wrote the file uses a comma where STL wants a point. Other programs may read it "
    "wrongly, so offer the repaired file or export it again.",
    "non_finite": _DROPPED,
    "zero_area_faces": "Some triangles are so flat that they show nothing. Slicers pass over them.",
    "solid_in_binary_header": "The file begins as a text does but is none, which misleads some programs.",
    "several_solids": "The file holds several named parts. They are shown together.",
    "upper_case": _SPELLING,
    "tabs": _SPELLING,
    "cr_line_ends": _SPELLING,
    "crlf_line_ends": _SPELLING,
    "byte_order_mark": _SPELLING,
    "utf16_text": "Only a matter of how the file is written, but few programs can read it. Export it again.",
    "non_ascii_name": _SPELLING,
    "keyword_in_name": _SPELLING,
    "magics_colors": _COLORS,
    "magics_object_color": _COLORS,
    "viscam_colors": _COLORS,
    "attribute_data": "The file carries extra data that only the program it came from understands.",
    "open_edges": "The surface has holes or gaps, so a slicer cannot tell inside from outside there. It may print "
    "wrongly, and there is no exact volume.",
    "inconsistent_winding": "Neighbouring triangles face opposite ways. Slicers may leave out or fill in a region.",
    "inverted_normals": "A part is turned inside out. Slicers may print it as a hollow, or not at all.",
    "degenerate_faces": "Some triangles are so flat that they show nothing. Slicers pass over them.",
    "duplicate_faces": "Some triangles are there twice. Most slicers cope; some draw extra walls.",
    "multiple_bodies": "The model has loose parts. That is right for a set or a chain, and an accident otherwise.",
    "non_manifold_edges": "More than two surfaces meet along an edge. Slicers disagree about what is solid there.",
    "non_manifold_vertices": "Surfaces touch in a single point, too thin to print.",
    "repair_refused": "Mending would have changed the shape, so the model was left as it is.",
    UNITS_DOUBT: "STL files do not say their unit, and millimetres are assumed. Check the size before you list it.",
    "welded_vertices": _MENDED_SHAPE,
    "removed_degenerate_faces": _MENDED_SHAPE,
    "flipped_sliver_edges": _MENDED_SHAPE,
    "removed_duplicate_faces": _MENDED_SHAPE,
    "aligned_winding": "All triangles now face the same way, so that slicers know inside from outside.",
    "turned_outward": "The surface now faces outward, so that slicers know inside from outside.",
    "closed_holes": "Small holes were closed with flat patches. Look at the picture if the spot is visible.",
}


def meaning_of(code: str) -> str | None:
    """Say what a finding or a repair means; None for a code that this version does not know.

    Parameters
    ----------
    code : str
        Of the reader, the checks or the repair, or `UNITS_DOUBT`.

    Returns
    -------
    str or None
    """
    return _MEANINGS.get(code)
