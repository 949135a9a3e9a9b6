"""Render several photos in several styles, on all cores. A second run renders only what is missing.

python examples/render_many.py FOLDER [SIZE [STEPS]]
"""

import sys
from pathlib import Path

import styler

IMAGES = Path(__file__).parent / "images"


def main(folder: str, size: str = "512", steps: str = "200") -> None:
    jobs = [
        {"content": IMAGES / f"{photo}.jpg", "style": IMAGES / f"{painting}.jpg", "size": int(size), "steps": steps}
        for photo in ("lake", "city")
        for painting in ("swirls", "dots")
    ]
    for outcome in styler.render_batch(jobs, output=folder):
        print(outcome.state, outcome.path.name, outcome.error)


if __name__ == "__main__":
    main(*sys.argv[1:])
