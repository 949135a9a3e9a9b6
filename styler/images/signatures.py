"""Recognizes a file by its first bytes, because suffixes may be wrong."""

from __future__ import annotations

import re

HEAD = 256  # bytes to look at: enough for the brands of an ISO media file or the first words of a text
READABLE = "JPEG, PNG, TIFF, WebP, AVIF, HEIC, JPEG 2000, JPEG XL, GIF, BMP, PNM, TGA, QOI or ICO"

_STARTS = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"II+\0": "tiff",  # BigTIFF
    b"MM\0+": "tiff",
    b"GIF87a": "gif",
    b"GIF89a": "gif",
    b"\0\0\0\x0cjP  \r\n\x87\n": "jp2",
    b"\xff\x4f\xff\x51": "jp2",  # bare codestream
    b"\0\0\0\x0cJXL \r\n\x87\n": "jxl",
    b"\xff\x0a": "jxl",  # bare codestream
    b"qoif": "qoi",
    b"BM": "bmp",
}
_ICONS = {b"\0\0\1\0": "ico", b"\0\0\2\0": "cur"}
_AV1_BRANDS = {b"avif", b"avis"}
_HEVC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}  # ISO/IEC 23008-12
_PNM = re.compile(rb"P[1-6][\s#]")

# Kinds of files that are recognized but not read, with what to do about them
EXPORT = "export it from a photo program as PNG, TIFF or JPEG"
RAW = f"a camera raw file, which is not developed yet; {EXPORT}"
_RANGE = f"whose dynamic range is higher than that of a screen; tone-map it and {EXPORT}"
_NAMED = {
    b"8BPS": f"a Photoshop file; {EXPORT}",
    b"gimp xcf": f"a GIMP file; {EXPORT}",
    b"%PDF": "a PDF document; export its page as PNG",
    b"%!PS": "a PostScript file; export its page as PNG",
    b"\xc5\xd0\xd3\xc6": "an encapsulated PostScript file; export it as PNG",
    b"v/1\x01": f"an OpenEXR image, {_RANGE}",
    b"#?RADIANCE": f"a Radiance HDR image, {_RANGE}",
    b"#?RGBE": f"a Radiance HDR image, {_RANGE}",
    b"PF\n": f"a portable float map, {_RANGE}",
    b"Pf\n": f"a portable float map, {_RANGE}",
    b"P7\n": "a PAM image; save it as PNG",
    b"II\xbc\x01": f"a JPEG XR image; {EXPORT}",
    b"II\xbc\0": f"a JPEG XR image; {EXPORT}",
    b"FUJIFILMCCD-RAW": RAW,
    b"FOVb": RAW,
    b"\0MRM": RAW,
    b"IIU\0": RAW,  # Panasonic
    b"IIRO": RAW,  # Olympus
    b"IIRS": RAW,
    b"MMOR": RAW,
    b"II\x1a\0\0\0HEAPCCDR": RAW,  # Canon, before its TIFF
    b"DDS ": "a DirectDraw texture; save it as PNG",
    b"\x01\xda": "an SGI image; save it as PNG",
    b"\x0a\x05\x01": "a PCX image; save it as PNG",
    b"\x0a\x03\x01": "a PCX image; save it as PNG",
    b"icns": "a set of Apple icons; save one as PNG",
    b"SIMPLE  =": "a FITS image; save it as PNG or TIFF",
    b"AT&TFORM": "a DjVu document; export its page as PNG",
    b"\xd7\xcd\xc6\x9a": "a Windows metafile; export it as PNG",
    b"\x1aE\xdf\xa3": "a video (Matroska or WebM); export a frame as PNG",
    b"PK\x03\x04": "a ZIP archive; unpack it",
    b"\x1f\x8b": "a gzip archive; unpack it",
    b"7z\xbc\xaf": "a 7-Zip archive; unpack it",
    b"Rar!": "a RAR archive; unpack it",
    b"version https://git-lfs": "a Git LFS pointer, not the file itself; fetch it with `git lfs pull`",
}
_MEDIA = {
    b"crx ": RAW,
    b"qt  ": "a video (QuickTime); export a frame as PNG",
    b"jxs ": "a JPEG XS image; save it as PNG",
}
_TEXTS = (
    (rb"<svg|<!DOCTYPE svg", "an SVG drawing; export it as PNG"),
    (rb"<!DOCTYPE html|<html|<head|<body", "a web page, saved instead of the image; save the image itself"),
    (rb"<\?xml", "an XML document"),
    (rb"[{\[]", "a text file, probably JSON"),
)


def kind_of(head: bytes) -> str | None:
    """Return the format of a file, given its first `HEAD` bytes; None if styler does not read it.

    The formats are png, jpeg, tiff, webp, avif, heic, jp2, jxl, gif, bmp, pnm, tga, qoi, ico and cur.
    """
    for start, kind in _STARTS.items():
        if head.startswith(start):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[:4] in _ICONS and any(head[4:6]):  # at least one picture; a TGA file has zeros there
        return _ICONS[head[:4]]
    if _PNM.match(head):
        return "pnm"
    if head[4:8] == b"ftyp":
        return _media_kind(head)
    return "tga" if name_of(head) is None and _is_tga(head) else None


def name_of(head: bytes) -> str | None:
    """Return what an unsupported file is, and what to do about it; None if its first `HEAD` bytes do not tell."""
    if not head:
        return "empty: it has no bytes"
    for start, name in _NAMED.items():
        if head.startswith(start):
            return name
    if head[4:8] == b"ftyp":
        return _MEDIA.get(head[8:12], "a video or audio file (MP4); export a frame as PNG")
    if not head.strip(b"\0"):
        return "filled with zeros; copy it again from its source"
    return _name_of_text(head.removeprefix(b"\xef\xbb\xbf").lstrip())


def _name_of_text(head: bytes) -> str | None:
    for pattern, name in _TEXTS:
        where = re.search if pattern.startswith(rb"<svg") else re.match
        if where(pattern, head, re.IGNORECASE):
            return name
    is_text = len(head) > 8 and not re.search(rb"[^\t\n\r\x20-\x7e]", head)
    return "a text file" if is_text else None


def _media_kind(head: bytes) -> str | None:
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))}
    if head[8:12] in _MEDIA:
        return None
    if brands & _AV1_BRANDS:
        return "avif"
    return "heic" if brands & _HEVC_BRANDS else None


def _is_tga(head: bytes) -> bool:
    """Return whether the first 18 bytes are a plausible TGA header; TGA has no signature (Truevision TGA 2.0)."""
    if len(head) < 18:
        return False
    mapped = head[1]
    kind = head[2]
    bits = head[16]
    flags = head[17]
    width = int.from_bytes(head[12:14], "little")
    height = int.from_bytes(head[14:16], "little")
    colors = {1: (1, (8, 16)), 2: (0, (15, 16, 24, 32)), 3: (0, (8, 16))}.get(kind & 7)
    if colors is None or kind & ~0b1011 or not width or not height or flags & 0b11000000:
        return False
    map_bits = (head[7] in (15, 16, 24, 32)) if mapped == 1 else not any(head[3:8])
    return mapped in (0, 1) and mapped >= colors[0] and bits in colors[1] and map_bits
