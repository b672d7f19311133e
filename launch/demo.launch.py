"""Demo without a camera: a rendered clip in a loop, the node, RViz.

ros2 launch motion_seg_ros demo.launch.py
"""

from __future__ import annotations

from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    IncludeLaunchDescription,
    Shutdown,
)
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import EnvironmentVariable, LaunchConfiguration, PathJoinSubstitution
from launch_ros.substitutions import ExecutableInPackage, FindPackageShare


def generate_launch_description() -> LaunchDescription:
    """Start the camera of the demo, and include the launch file of the node."""
    share = FindPackageShare("motion_seg_ros")
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "rviz",
                default_value="true",
                choices=["true", "false"],
                description="open RViz on the overlay and the masks",
            ),
            # Not Node: the command does not accept --ros-args.
            ExecuteProcess(
                cmd=[
                    ExecutableInPackage("motion_seg", "motion_seg_ros"),
                    *("demo", "--role", "camera", "--loop"),
                ],
                # The domain of the node: by itself the demo uses a random one.
                additional_env={
                    name: EnvironmentVariable(name, default_value=default)
                    for name, default in (
                        ("ROS_DOMAIN_ID", "0"),
                        ("ROS_AUTOMATIC_DISCOVERY_RANGE", "SUBNET"),
                    )
                },
                output="screen",
                on_exit=Shutdown(reason="the demo's camera ended"),
            ),
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(
                    PathJoinSubstitution([share, "launch", "motion_seg.launch.py"])
                ),
                launch_arguments={"rviz": LaunchConfiguration("rviz")}.items(),
            ),
        ]
    )
