"""What a file is, by its first bytes; suffixes may lie."""

from __future__ import annotations

HEAD = 64  # bytes that decide: the longest are the brands of an ISO media file
READABLE = "JPEG, PNG, TIFF, WebP, AVIF, GIF or BMP"

_STARTS = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"II+\0": "tiff",  # BigTIFF
    b"MM\0+": "tiff",
    b"GIF87a": "gif",
    b"GIF89a": "gif",
    b"BM": "bmp",
}
_AV1_BRANDS = {b"avif", b"avis"}
_HEVC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}  # ISO/IEC 23008-12


def kind_of(head: bytes) -> str | None:
    """Format by the first `HEAD` bytes: png, jpeg, tiff, webp, avif, heic, gif, bmp, or None."""
    for start, kind in _STARTS.items():
        if head.startswith(start):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    return _media_kind(head) if head[4:8] == b"ftyp" else None


def _media_kind(head: bytes) -> str | None:
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))}
    if brands & _AV1_BRANDS:
        return "avif"
    return "heic" if brands & _HEVC_BRANDS else None
