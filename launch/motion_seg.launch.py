"""Start the motion segmentation node on a camera.

    ros2 launch motion_seg_ros motion_seg.launch.py image:=/camera/image_raw

`--show-args` lists the arguments. The node activates itself (parameter `autostart`). Arguments
override params_file, which overrides the defaults of the node.
"""

from __future__ import annotations

from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

from motion_seg_ros.errors import ConfigError
from motion_seg_ros.settings.pipeline import PROFILES

ARGUMENTS = [
    DeclareLaunchArgument(
        "image",
        default_value="/camera/image_raw",
        description="the camera's image topic, without /compressed",
    ),
    DeclareLaunchArgument(
        "image_transport",
        default_value="",
        choices=["", "raw", "compressed"],
        description="how images arrive: raw on <image>, or compressed on <image>/compressed; "
        "empty: as params_file says, else raw",
    ),
    DeclareLaunchArgument(
        "camera_info",
        default_value="/camera/camera_info",
        description="the camera's calibration topic; may stay silent",
    ),
    DeclareLaunchArgument(
        "depth",
        default_value="",
        description="a depth image topic registered to the image (16UC1 mm or 32FC1 m); "
        "sets depth.backend to topic; empty: no depth",
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
    DeclareLaunchArgument(
        "namespace",
        default_value="",
        description="namespace of the node: its topics are <namespace>/motion_seg/...",
    ),
    DeclareLaunchArgument(
        "use_sim_time",
        default_value="false",
        choices=["true", "false"],
        description="true: take the time from /clock, as with a bag played with --clock; false: "
        "as params_file says, else not",
    ),
    DeclareLaunchArgument(
        "rviz",
        default_value="false",
        choices=["true", "false"],
        description="open RViz on the overlay and the masks",
    ),
]


def motion_seg_node(context: LaunchContext) -> list[Node]:
    """Create the node with parameters and remappings according to the arguments.

    Raises:
        ConfigError: there is no such params_file.
    """
    value = {each.name: LaunchConfiguration(each.name).perform(context) for each in ARGUMENTS}
    given: dict[str, object] = {
        name: value[name] for name in ("profile", "image_transport") if value[name]
    }
    if value["use_sim_time"] == "true":
        given["use_sim_time"] = True
    remappings = [
        ("image", value["image"]),
        ("image/compressed", f"{value['image']}/compressed"),
        ("camera_info", value["camera_info"]),
    ]
    if value["depth"]:
        given["depth.backend"] = "topic"
        remappings.append(("depth", value["depth"]))
    parameters: list[object] = []
    if value["params_file"]:
        # launch_ros would only warn, and start the node with its defaults.
        if not Path(value["params_file"]).is_file():
            raise ConfigError(
                f"params_file: expected a parameter file, found none at {value['params_file']}; "
                "check the path"
            )
        parameters.append(value["params_file"])
    if given:
        parameters.append(given)  # after the file, as later parameters win
    return [
        Node(
            package="motion_seg_ros",
            executable="motion_seg_node",
            name="motion_seg",
            namespace=value["namespace"],
            parameters=parameters,
            remappings=remappings,
            output="screen",
        )
    ]


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments, and start the node and optionally RViz."""
    topics = ["overlay", "moving_mask", "instance_mask"]
    rviz = Node(
        package="rviz2",
        executable="rviz2",
        namespace=LaunchConfiguration("namespace"),
        arguments=[
            "-d",
            PathJoinSubstitution([FindPackageShare("motion_seg_ros"), "rviz", "motion_seg.rviz"]),
        ],
        # The configuration names the topics of a node without namespace.
        remappings=[(f"/motion_seg/{each}", f"motion_seg/{each}") for each in topics],
        parameters=[{"use_sim_time": LaunchConfiguration("use_sim_time")}],
        condition=IfCondition(LaunchConfiguration("rviz")),
    )
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=motion_seg_node), rviz])
