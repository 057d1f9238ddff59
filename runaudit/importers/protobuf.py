"""Protocol buffers taken apart without the library that wrote them: the fields of a message, and those that are wanted.

Trackers keep what they log as protobufs whose forms are published. A reader that needed each tracker's package, of the
release that wrote the file, would read little: what is wanted are some twenty fields, by their numbers, which a form
that is in use can never change.

Source: https://protobuf.dev/programming-guides/encoding/
"""

import struct
from collections.abc import Iterator, Mapping
from typing import Any

Field = tuple[int, Any]
"""A field's number and its value: an integer, or the bytes of anything else."""
GARBAGE = (ValueError, IndexError, TypeError, AttributeError, OverflowError, struct.error)
"""What taking a message apart comes to that is none: a field of another kind than its number says, or cut."""
TEXT, WHOLE, REAL, TRUTH = "text", "whole", "real", "truth"
"""What a wanted field holds: a string, a signed integer, a double, true or false."""
Form = Mapping[int, tuple[str, Any]]
"""Field number -> its name and what it holds, one of the above or the form of a message; a name that ends in `*` is a
list."""


def fields(message: bytes) -> Iterator[Field]:
    """The fields of a protobuf in their order. Raises ValueError or IndexError for bytes that are none."""
    place, size = 0, len(message)
    while place < size:
        key, place = varint(message, place)
        kind = key & 7
        if kind == 0:
            value, place = varint(message, place)
            yield key >> 3, value
            continue
        length = {1: 8, 5: 4}.get(kind)
        if length is None:
            if kind != 2:
                raise ValueError(f"a message holds a field of kind {kind}")
            length, place = varint(message, place)
        if place + length > size:
            raise ValueError("a field goes beyond its message")
        yield key >> 3, message[place : place + length]
        place += length


def varint(message: bytes, place: int) -> tuple[int, int]:
    """The integer at a place, without its sign, and the place behind it."""
    byte = message[place]
    if byte < 128:
        return byte, place + 1
    value, shift = byte & 127, 7
    for at in range(place + 1, place + 10):
        byte = message[at]
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at + 1
        shift += 7
    raise ValueError("a number has more than 64 bits")


def signed(value: int) -> int:
    """An integer of 64 bits with its sign."""
    return value - (1 << 64) if value >> 63 else value


def wanted(message: bytes, form: Form) -> dict[str, Any]:
    """The fields of a message that a form names, by their names; the rest is passed over. Raises one of `GARBAGE`."""
    found: dict[str, Any] = {}
    for number, raw in fields(message):
        if number not in form:
            continue
        name, kind = form[number]
        value = _read(raw, kind)
        if name.endswith("*"):
            found.setdefault(name[:-1], []).append(value)
        else:
            found[name] = value
    return found


def _read(raw: Any, kind: Any) -> Any:
    if kind == TEXT:
        return raw.decode()
    if kind == WHOLE:
        return signed(raw)
    if kind == TRUTH:
        return bool(signed(raw))
    if kind == REAL:
        (value,) = struct.unpack("<d", raw)
        return value
    return wanted(raw, kind)
