"""The report page in a real browser, from a file and without a network."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec

import pytest

from styler.batch import batch as rooms
from styler.batch.batch import render_batch
from styler.batch.jobs import Job
from styler.batch.layout import choose_layout
from styler.batch.ledger import read_ledger
from styler.batch.local import LocalEngine
from styler.batch.report import write_page
from styler.config import RenderConfig
from support.painted import Studio
from support.pictures import blobs, saved

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_spec("playwright") is None, reason="playwright is not installed"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]
ODD = "</script><img src=x onerror=alert(1)> & 'q'"


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """The page of a batch of five jobs, one of them failed, with what the browser complained about."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(rooms, "make_engine", lambda *asked: LocalEngine(choose_layout(*asked), Studio))
    for seed, name in enumerate(("lake", "city", "defect", "dots", "swirls")):
        saved(tmp_path / f"{name}.png", blobs(48, 64, seed))
    pairs = [("lake", "dots"), ("lake", "swirls"), ("city", "dots"), ("city", "swirls"), ("defect", "dots")]
    jobs = [{"content": f"{a}.png", "style": f"{b}.png", "size": 64, "output": f"{a} {b} #1"} for a, b in pairs]
    jobs = list(rooms._listed(jobs))
    list(render_batch(jobs, output="out"))
    odd = Job(content=tmp_path / "lake.png", styles=(tmp_path / "dots.png",), config=RenderConfig(init=ODD), name="odd")
    page = write_page(tmp_path / "out" / "index.html", [*jobs, odd], tmp_path / "out", read_ledger(tmp_path / "out"))
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = browser.new_page()
        tab.complaints, tab.requests = [], []
        tab.on("console", lambda message: tab.complaints.append(message.text))
        tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
        tab.on("request", lambda request: tab.requests.append(request.url))
        tab.goto(page.as_uri())
        yield tab
        browser.close()


def names(tab):
    return [card.get_attribute("data-name") for card in tab.query_selector_all("article")]


def test_the_page_shows_every_job_and_asks_for_nothing_else(opened):
    assert len(names(opened)) == 6
    assert opened.inner_text("#count") == "6 of 6 pictures"
    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith("data:")] == [opened.url]
    opened.wait_for_function("[...document.images].every((image) => image.complete)")
    assert opened.evaluate("[...document.images].every((image) => image.naturalWidth > 0)")
    card = opened.inner_text("article[data-name='lake dots #1.png']")
    assert "lake in dots" in card
    assert "64x48" in card
    assert "size\n64" in card


def test_filters_by_photo_painting_state_and_words(opened):
    opened.select_option("#content", "lake")
    assert names(opened) == ["lake dots #1.png", "lake swirls #1.png", "odd.png"]
    opened.select_option("#style", "swirls")
    assert names(opened) == ["lake swirls #1.png"]
    opened.select_option("#content", "")
    assert opened.inner_text("#count") == "2 of 6 pictures"
    opened.select_option("#style", "")
    opened.select_option("#state", "failed")
    assert names(opened) == ["defect dots #1.png"]
    assert "KeyError" in opened.inner_text("article")
    opened.select_option("#state", "")
    opened.fill("#search", "city dots")
    assert names(opened) == ["city dots #1.png"]


def test_orders_by_name(opened):
    opened.select_option("#order", "name")
    assert names(opened) == sorted(names(opened))


def test_a_thumbnail_leads_to_the_picture_itself(opened):
    link = opened.query_selector("article[data-name='lake dots #1.png'] a")
    with opened.context.expect_page() as shown:
        link.click()
    shown.value.wait_for_load_state()
    assert shown.value.evaluate("[document.images[0].naturalWidth, document.images[0].naturalHeight]") == [64, 48]


def test_markup_in_an_option_is_shown_and_not_run(opened):
    assert ODD in opened.inner_text("article[data-name='odd.png']")
    assert json.loads(opened.inner_html("#batch"))["jobs"][-1]["options"] == {"init": ODD}
