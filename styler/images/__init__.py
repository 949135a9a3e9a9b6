"""Files to pixels and back: float32, sRGB, 0..1, (height, width, 3)."""
