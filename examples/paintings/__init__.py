"""Painterly styles, built mark by mark from coarse to fine; float RGB 0..1, (H, W, 3)."""
