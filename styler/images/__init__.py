"""Reads image files into float32 sRGB pixels, 0..1, (height, width, 3), and writes them."""
