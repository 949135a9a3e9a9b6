"""A name says what is inside, and a module's first line says what it is for."""

from __future__ import annotations

from support.sources import all_files, label, package_files, parse

BAGS = {"utils", "util", "helpers", "helper", "misc", "common", "core", "manager", "managers"}


def test_no_bag_of_things():
    bags = [label(path) for path in all_files() if {part.removesuffix(".py") for part in label(path).split("/")} & BAGS]
    assert not bags, "name it after what is inside"


def test_every_module_states_its_job():
    silent = []
    for path in package_files():
        first = next(iter(parse(path).body), None)
        if first is None or not getattr(getattr(first, "value", None), "value", None):
            silent.append(label(path))
    assert not silent, "the module has no docstring"
