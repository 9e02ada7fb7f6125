"""What the search begins with, and how it goes on."""

from __future__ import annotations

import random
import struct
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from targets import LARGEST_BYTES

from stlkit.files import encode_json
from stlkit.model.geometry import encode_binary_stl
from stlkit.model.jobs import QueueJob, QueueState

_MOMENT = datetime(2026, 1, 15, tzinfo=UTC)

WORDS = tuple(
    b"solid|facet|normal|outer|loop|vertex|endloop|endfacet|endsolid|facet normal 0 0 1|nan|-nan(ind)|1.#QNAN|inf|1e39"
    b"|1e-46|-0|1,5|1_0|0x1|\xff\xfe|\xfe\xff|\xef\xbb\xbf|\r|\r\n|\n|\t|\0|\0\0\0\0|\xff\xff\xff\xff|\xff\xff\x7f\x7f"
    b"|\0\0\x80\x7f|\0\0\xc0\x7f|COLOR=\xff\x80\x00\xff|MATERIAL=|<html>|<!--|-->|PK\x03\x04|OFF 1 1|v 1 2 3|\x1f\x8b"
    b'|{|}|[|]|,|:|"|\\ud800|\\u0000|1e999|NaN|-|9999999999999999999|"version"|"1.0"|"jobs"|"id"|../|null|true'.split(
        b"|"
    )
)
"""Bytes that mean something to one reader or another."""


def stl_seeds() -> tuple[bytes, ...]:
    """Small files of every kind that the reader knows."""
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=float)
    quads = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
    box = np.array([corners[list(t)] for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]) * 20
    two = np.concatenate([box, box + 30])
    noise = np.random.default_rng(0).normal(size=(6, 3, 3))
    binary = [
        encode_binary_stl(shape) for shape in (box, box[:11], two, noise, np.concatenate([box, box[:2]]), box[:1])
    ]
    colored = bytearray(encode_binary_stl(box, "COLOR=\x7f\x7f\x7f\x7f"))
    for face in range(len(box)):
        struct.pack_into("<H", colored, 84 + 50 * face + 48, 0x8000 | face)
    text = _ascii(box)
    return (
        *binary,
        bytes(colored),
        binary[0][:400],
        b"solid" + binary[0][5:],
        binary[0][:80] + b"\xff\xff\xff\xff" + binary[0][84:],
        text,
        text.replace(b"\n", b"\r\n").upper(),
        text.replace(b".", b","),
        text.decode().encode("utf-16"),
        text + text,
        text[: len(text) // 2],
        b"<!-- a --><!DOCTYPE html><html></html>",
        b"v 1 2 3\nf 1 2 3\n",
        b"",
    )


def _ascii(triangles: np.ndarray) -> bytes:
    lines = ["solid seed"]
    for corners in triangles.tolist():
        lines += ["facet normal 0.0 0.0 1.0", "outer loop"]
        lines += ["vertex " + " ".join(map(str, corner)) for corner in corners]
        lines += ["endloop", "endfacet"]
    return "\n".join([*lines, "endsolid seed", ""]).encode()


def state_seeds() -> tuple[bytes, ...]:
    """States of a queue, empty and with jobs, and one of before there were versions."""
    job = QueueJob(
        id="job_1",
        stl_path=Path("/m/a.stl"),
        output_folder=Path("/o/a"),
        output_base_folder=Path("/o"),
        output_name="a",
        created_at=_MOMENT,
        render_options={"width": 64},
    )
    states = (QueueState(created_at=_MOMENT, last_updated=_MOMENT, jobs=jobs) for jobs in ((), (job,)))
    return (*(encode_json(state.to_dict()) for state in states), b'{"jobs": [{"path": "/m/a.stl", "done": true}]}')


def mutated(data: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """Change some bytes in one of the ways in which files are changed by accident or on purpose."""
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        data = chance.choice(_CHANGES)(data, others, chance)[:LARGEST_BYTES]
    return data


def _span(data: bytes, chance: random.Random) -> tuple[int, int]:
    start = chance.randint(0, len(data))
    return start, min(len(data), start + int(chance.expovariate(1 / 24)))


def _flip(data: bytes, _: list[bytes], chance: random.Random) -> bytes:
    if not data:
        return b"\0"
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def _overwrite(data: bytes, _: list[bytes], chance: random.Random) -> bytes:
    start, end = _span(data, chance)
    return data[:start] + chance.randbytes(end - start) + data[end:]


def _remove(data: bytes, _: list[bytes], chance: random.Random) -> bytes:
    start, end = _span(data, chance)
    return data[:start] + data[end:]


def _repeat(data: bytes, _: list[bytes], chance: random.Random) -> bytes:
    start, end = _span(data, chance)
    return data[:end] + data[start:end] * chance.choice((1, 2, 8, 200)) + data[end:]


def _insert_word(data: bytes, _: list[bytes], chance: random.Random) -> bytes:
    at = chance.randint(0, len(data))
    return data[:at] + chance.choice(WORDS) * chance.choice((1, 1, 1, 3, 60)) + data[at:]


def _put_word(data: bytes, _: list[bytes], chance: random.Random) -> bytes:
    at, word = chance.randint(0, len(data)), chance.choice(WORDS)
    return data[:at] + word + data[at + len(word) :]


def _put_count(data: bytes, _: list[bytes], chance: random.Random) -> bytes:
    room = max(len(data) - 84, 0) // 50
    count = chance.choice((0, 1, room, room + 1, max(room - 1, 0), 2**31, 2**32 - 1, chance.randrange(2**32)))
    return data[:80] + struct.pack("<I", count) + data[84:]


def _put_number(data: bytes, _: list[bytes], chance: random.Random) -> bytes:
    at = 84 + 50 * chance.randrange(max(len(data) - 84, 50) // 50) + 4 * chance.randrange(12)
    number = chance.choice((0.0, -0.0, 1e-45, 1.0, 20.0, 3e38, float("inf"), float("nan"), chance.gauss(0, 20)))
    return data[:at] + struct.pack("<f", number) + data[at + 4 :]


def _cut(data: bytes, _: list[bytes], chance: random.Random) -> bytes:
    return data[: chance.randint(0, len(data))]


def _splice(data: bytes, others: list[bytes], chance: random.Random) -> bytes:
    other = chance.choice(others)
    return data[: chance.randint(0, len(data))] + other[chance.randint(0, len(other)) :]


_CHANGES = (
    _flip, _overwrite, _remove, _repeat, _insert_word, _put_word, _put_count, _put_number, _put_number, _cut, _splice,
)  # fmt: skip
