"""The means of `motion_seg doctor` to look at what may be broken."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from motion_seg_ros.cli.checkup import finding
from motion_seg_ros.cli.checkup.finding import Answer, Finding, looked_at, python, run, version_of


def test_a_check_that_fails_keeps_what_it_had_found() -> None:
    def fans_and_pumps() -> Iterator[Finding]:
        yield Finding("fan", "ok", "turns")
        raise ValueError("two\nlines")

    assert looked_at(fans_and_pumps) == [
        Finding("fan", "ok", "turns"),
        Finding("fans and pumps", "note", "could not be looked at: ValueError: two lines"),
    ]


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("print('first'); print('last')", Answer(True, "last", "first")),
        (
            "import sys; print('1.0'); print('\\x1b[31mred', file=sys.stderr)",
            Answer(True, "1.0", "red"),
        ),
        ("pass", Answer(True, "")),
        ("import os; os.abort()", Answer(False, "it crashed: SIGABRT")),
        ("import sys; sys.exit(3)", Answer(False, "status 3")),
        ("import absent", Answer(False, "ModuleNotFoundError: No module named 'absent'")),
    ],
)
def test_how_a_process_ends(code: str, answer: Answer) -> None:
    assert python("-c", code) == answer


def test_a_process_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "PATIENCE_S", 0.2)
    answer = python("-c", "import time; time.sleep(600)")
    assert answer == Answer(False, "no answer within 0.2 s")


def test_a_program_that_is_not_there() -> None:
    assert run(["/no/such"]) == Answer(False, "/no/such: No such file or directory")


def test_versions() -> None:
    assert version_of("pytest") == Answer(True, pytest.__version__)
    assert not version_of("no_such_module").good


def test_variables_are_left_out_and_the_search_path_is_this_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("UNWANTED", "1")
    monkeypatch.syspath_prepend("/first/place")
    code = "import os, sys; print('UNWANTED' in os.environ, '/first/place' in sys.path)"
    assert python("-c", code).text == "True True"
    assert python("-c", code, without=["UNWANTED"]).text == "False True"


def test_pip_is_told_to_install_where_the_system_forbids_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(finding, "_is_managed_by_the_system", lambda: True)
    monkeypatch.setattr(sys, "base_prefix", sys.prefix)
    assert finding.pip_install("a").endswith("pip install --user --break-system-packages a")
    monkeypatch.setattr(sys, "base_prefix", "/usr/other")  # a virtual environment
    assert finding.pip_install("a>=2") == f"{sys.executable} -m pip install 'a>=2'"


def test_ros_packages_have_a_command_only_where_apt_has_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ROS_DISTRO", "humble")
    assert finding.ros_package("vision-msgs") == "sudo apt install ros-humble-vision-msgs"
    monkeypatch.delenv("ROS_DISTRO")
    assert finding.ros_package("vision-msgs") == ""
