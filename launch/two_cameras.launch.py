"""Two cameras in one process: an example to copy for a robot with several.

    ros2 launch motion_seg_ros two_cameras.launch.py front:=/front/image_raw rear:=/rear/image_raw

`--show-args` lists the arguments. The node publishes ~/front/moving_mask, ~/rear/moving_mask and so
on. The calibration of each camera is taken from camera_info beside its image topic.
"""

from __future__ import annotations

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from motion_seg_ros.cli.live_node import parameter_files
from motion_seg_ros.settings.pipeline import PROFILES

CAMERAS = ("front", "rear")
ARGUMENTS = [
    *(
        DeclareLaunchArgument(
            camera,
            default_value=f"/{camera}/image_raw",
            description=f"image topic of the camera {camera}, without /compressed",
        )
        for camera in CAMERAS
    ),
    DeclareLaunchArgument(
        "image_transport",
        default_value="",
        choices=["", "raw", "compressed"],
        description="how images arrive: raw on the topics, or compressed on <topic>/compressed; "
        "empty: as params_file says, else raw",
    ),
    DeclareLaunchArgument(
        "profile",
        default_value="",
        choices=["", *PROFILES],
        description="which defaults to start from; empty: as params_file says, else lite",
    ),
    DeclareLaunchArgument(
        "params_file",
        default_value="",
        description="a ROS 2 parameter file, such as config/motion_seg.yaml; empty: none",
    ),
]


def node_for_both(context: LaunchContext) -> list[Node]:
    """Create the node that serves all cameras.

    Raises:
        ConfigError: there is no such params_file.
    """
    value = {each.name: LaunchConfiguration(each.name).perform(context) for each in ARGUMENTS}
    given: dict[str, object] = {"cameras": list(CAMERAS)}
    given |= {name: value[name] for name in ("profile", "image_transport") if value[name]}
    return [
        Node(
            package="motion_seg_ros",
            executable="motion_seg_node",
            name="motion_seg",
            parameters=[*parameter_files(value["params_file"]), given],
            remappings=[(f"{camera}/image", value[camera]) for camera in CAMERAS],
            output="screen",
        )
    ]


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments, and start the node."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=node_for_both)])
