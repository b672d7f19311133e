"""Launch files, read where `launch` is not installed."""

from __future__ import annotations

import ast
import sys
from types import ModuleType

import pytest
from checkout import ROOT

LAUNCH = ROOT / "launch"


def declared_arguments(name: str) -> dict[str, dict[str, ast.expr]]:
    """Argument -> its keywords, read from the source: `launch` does not come with the wheels."""
    calls = [
        node
        for node in ast.walk(ast.parse((LAUNCH / name).read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "DeclareLaunchArgument"
    ]
    return {
        ast.literal_eval(call.args[0]): {str(each.arg): each.value for each in call.keywords}
        for call in calls
    }


WHY = "comes with a full ROS 2 installation, not with the wheels"


class StandIn:
    """The part of `launch` that a launch file needs to choose the node's parameters."""

    def __init__(self, name: str = "", default_value: str = "", **_: object) -> None:
        self.name, self.default_value = name, default_value
        self.launch_configurations: dict[str, str] = {}

    def execute(self, context: StandIn) -> None:
        context.launch_configurations.setdefault(self.name, self.default_value)

    def perform(self, context: StandIn) -> str:
        return context.launch_configurations[self.name]


def stand_in_for_launch(patch: pytest.MonkeyPatch) -> None:
    """Put a stand-in in the place of `launch` where that is not installed."""
    used = {
        "launch": ["LaunchContext", "LaunchDescription"],
        "launch.actions": ["DeclareLaunchArgument", "ExecuteProcess", "OpaqueFunction", "Shutdown"],
        "launch.conditions": ["IfCondition"],
        "launch.substitutions": ["LaunchConfiguration", "PathJoinSubstitution"],
        "launch_ros.actions": ["Node"],
        "launch_ros.substitutions": ["ExecutableInPackage", "FindPackageShare"],
    }
    for module, names in used.items():
        made = ModuleType(module)
        for each in names:
            setattr(made, each, StandIn)
        patch.setitem(sys.modules, module, made)
