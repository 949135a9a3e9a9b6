"""Packaging, pins, container and CI files agree with each other and with the tree."""

from __future__ import annotations

import json
import os
import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from support.sources import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PYTHONS = ("3.11", "3.12", "3.13")
TOOL_FILES = (
    ".ci/run",
    ".dockerignore",
    ".pre-commit-config.yaml",
    "Dockerfile",
    "constraints.txt",
    "pyproject.toml",
)
ADDRESS = re.compile(r"\w+://|\b[\w-]+\.(?:com|org|io|net|dev)\b|--(?:extra-)?index-url|--find-links")


def pins(python):
    """Name -> pinned requirement, as pip sees it on one version of Python."""
    lines = [line.partition("#")[0].strip() for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()]
    requirements = [Requirement(line) for line in lines if line]
    chosen = [each for each in requirements if not each.marker or each.marker.evaluate({"python_version": python})]
    names = [canonicalize_name(each.name) for each in chosen]
    assert len(set(names)) == len(names), f"pinned twice on Python {python}"
    return dict(zip(names, chosen, strict=True))


def declared():
    project = PROJECT["project"]
    groups = [project["dependencies"], PROJECT["build-system"]["requires"]]
    groups += project["optional-dependencies"].values()
    requirements = [Requirement(line) for group in groups for line in group]
    return [each for each in requirements if each.name != project["name"]]


def copied_files():
    """What the Dockerfile takes from the tree."""
    lines = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    copies = [line.split()[1:] for line in lines if line.startswith("COPY ") and "--from=" not in line]
    return [source for words in copies for source in words[:-1]]


@pytest.mark.parametrize("python", PYTHONS)
def test_every_pin_is_exact(python):
    for requirement in pins(python).values():
        assert [clause.operator for clause in requirement.specifier] == ["=="]
        assert not requirement.url


@pytest.mark.parametrize("python", PYTHONS)
def test_every_dependency_is_pinned_within_its_range(python):
    pinned = pins(python)
    for requirement in declared():
        assert canonicalize_name(requirement.name) in pinned, f"{requirement.name} has no pin on Python {python}"
        (pin,) = pinned[canonicalize_name(requirement.name)].specifier
        assert requirement.specifier.contains(pin.version), f"{requirement} excludes the pin {pin.version}"


def test_python_versions_agree():
    named = [line.rpartition(" ")[2] for line in PROJECT["project"]["classifiers"] if "Python :: 3." in line]
    assert tuple(named) == PYTHONS
    assert PROJECT["project"]["requires-python"] == ">=3.11,<3.14"


def test_no_addresses():
    found = {name: ADDRESS.findall((ROOT / name).read_text("utf-8")) for name in TOOL_FILES}
    assert {name: addresses for name, addresses in found.items() if addresses} == {}


def test_what_the_wheel_includes_is_here():
    included = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert not [source for source in included if not (ROOT / source).is_file()]
    assert all(target == f"styler/{source}" for source, target in included.items())


def test_every_checksum_is_of_a_file_that_is_here():
    sums = json.loads((ROOT / "weights" / "checksums.json").read_text("utf-8"))
    assert "compact.npz" in sums
    assert not [name for name in sums if not (ROOT / "weights" / name).is_file()]


def test_dockerfile_copies_what_is_here():
    sources = copied_files()
    assert sources
    assert not [source for source in sources if not (ROOT / source).exists()]


def test_dockerignore_lets_those_files_through():
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert "*" in lines
    assert {line[1:] for line in lines if line.startswith("!")} == {source.rstrip("/") for source in copied_files()}


def test_dockerfile_copies_what_the_wheel_needs():
    project = PROJECT["project"]
    needed = {"pyproject.toml", "styler", project["readme"], *project["license-files"]}
    needed |= set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"])
    assert needed <= set(copied_files())


def test_container_drops_root_and_runs_a_supported_python():
    text = (ROOT / "Dockerfile").read_text("utf-8")
    bases = re.findall(r"^FROM python:(\d\.\d+)-slim", text, re.MULTILINE)
    assert bases
    assert set(bases) <= set(PYTHONS)
    assert re.search(r"^USER (?!root)", text, re.MULTILINE)
    assert 'ENTRYPOINT ["styler"]' in text


def test_ci_can_be_run():
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert "set -euo pipefail" in script
    assert "| tail" not in script, "the closing lines of the tests must be seen"


def test_hooks_are_local():
    text = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")
    assert set(re.findall(r"repo: (\S+)", text)) == {"local"}


def test_licence_is_complete():
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert text.lstrip().startswith("Apache License\n")
    assert "END OF TERMS AND CONDITIONS" in text
    assert text.rstrip().endswith("limitations under the License.")


def test_default_tests_leave_out_every_marked_kind():
    options = PROJECT["tool"]["pytest"]["ini_options"]
    chosen = options["addopts"][options["addopts"].index("-m") + 1]
    assert {marker.partition(":")[0] for marker in options["markers"]} == set(re.findall(r"not (\w+)", chosen))
