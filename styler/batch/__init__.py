"""Batch rendering: turn a manifest or globs into jobs, render them, and record their progress in a ledger."""
