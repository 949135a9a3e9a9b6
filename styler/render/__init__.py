"""Renders a picture from images and a plan: octaves, compiled programs, checkpoints and reports."""
