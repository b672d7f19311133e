"""Demo without a camera: a rendered clip in a loop, the node, RViz.

ros2 launch motion_seg_ros demo.launch.py
"""

from __future__ import annotations

from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    IncludeLaunchDescription,
    LogInfo,
    RegisterEventHandler,
    Shutdown,
)
from launch.event_handlers import OnProcessIO
from launch.events.process import ProcessIO
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import (
    EnvironmentVariable,
    LaunchConfiguration,
    PathJoinSubstitution,
    PythonExpression,
)
from launch_ros.substitutions import ExecutableInPackage, FindPackageShare

from motion_seg_ros.cli.demo import DEPTH_TOPIC, PLAYING


def generate_launch_description() -> LaunchDescription:
    """Start the camera of the demo and, when it has rendered its clip, the node."""
    share = FindPackageShare("motion_seg_ros")
    backend = PythonExpression(
        ["'topic' if '", LaunchConfiguration("depth"), "' == 'true' else 'none'"]
    )
    node = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(
            PathJoinSubstitution([share, "launch", "motion_seg.launch.py"])
        ),
        launch_arguments={
            "rviz": LaunchConfiguration("rviz"),
            "depth": PythonExpression([f"'{DEPTH_TOPIC}' if '", backend, "' == 'topic' else ''"]),
        }.items(),
    )

    def when_it_plays(event: ProcessIO) -> IncludeLaunchDescription | None:
        return node if PLAYING in event.text.decode(errors="replace") else None

    # Not Node: the command does not accept --ros-args.
    camera = ExecuteProcess(
        cmd=[
            ExecutableInPackage("motion_seg", "motion_seg_ros"),
            *("demo", "--role", "camera", "--loop"),
            *("--set", ["depth.backend=", backend]),
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
    )
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "rviz",
                default_value="true",
                choices=["true", "false"],
                description="open RViz on the overlay and the masks",
            ),
            DeclareLaunchArgument(
                "depth",
                default_value="false",
                choices=["true", "false"],
                description="true: the camera publishes depth too, with a sensor's noise",
            ),
            LogInfo(
                msg="rendering the demo's clip first, which takes a while; then the node starts"
            ),
            RegisterEventHandler(OnProcessIO(target_action=camera, on_stdout=when_it_plays)),
            camera,
        ]
    )
