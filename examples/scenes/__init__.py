"""Photo-like scenes, computed from noise, light and perspective; float RGB 0..1, (H, W, 3)."""
