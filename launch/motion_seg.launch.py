"""Start the motion segmentation node on a camera.

    ros2 launch motion_seg_ros motion_seg.launch.py image:=/camera/image_raw

`--show-args` lists the arguments. The node activates itself (parameter `autostart`). Arguments
override params_file, which overrides the defaults of the node.
"""

from __future__ import annotations

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

from motion_seg_ros.cli.live_node import parameter_files
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
        default_value="",
        description="the camera's calibration topic, which may stay silent; empty: camera_info "
        "beside the image topic",
    ),
    DeclareLaunchArgument(
        "image_reliability",
        default_value="",
        choices=["", "best_effort", "reliable"],
        description="what the node asks of the camera: reliable needs a reliable camera, and loses "
        "no image; empty: as params_file says, else best_effort, which any camera can serve",
    ),
    DeclareLaunchArgument(
        "depth",
        default_value="",
        description="a depth image topic registered to the image (16UC1 mm or 32FC1 m), without "
        "/compressedDepth; sets depth.backend to topic; empty: no depth",
    ),
    DeclareLaunchArgument(
        "depth_transport",
        default_value="",
        choices=["", "raw", "compressedDepth"],
        description="how depth arrives: raw on <depth>, or compressed on <depth>/compressedDepth; "
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
    DeclareLaunchArgument(
        "namespace",
        default_value="",
        description="namespace of the node: its topics are <namespace>/motion_seg/...",
    ),
    DeclareLaunchArgument(
        "autostart",
        default_value="",
        choices=["", "true", "false"],
        description="false: leave configure and activate to you or to a lifecycle manager; empty: "
        "as params_file says, else true",
    ),
    DeclareLaunchArgument(
        "respawn",
        default_value="false",
        choices=["true", "false"],
        description="start the node again, after 2 s, when it ends by itself",
    ),
    DeclareLaunchArgument(
        "log_level",
        default_value="info",
        choices=["debug", "info", "warn", "error", "fatal"],
        description="the least severe lines that the node logs",
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

RESPAWN_DELAY_S = 2.0
"""Seconds until the node starts again. Set by hand: no flood of lines if it cannot start."""


def motion_seg_node(context: LaunchContext) -> list[Node]:
    """Create the node with parameters and remappings according to the arguments.

    With images that are compressed, image_reliability needs image_transport as an argument too.

    Raises:
        ConfigError: there is no such params_file.
    """
    value = {each.name: LaunchConfiguration(each.name).perform(context) for each in ARGUMENTS}
    given: dict[str, object] = {
        name: value[name] for name in ("profile", "image_transport") if value[name]
    }
    if value["autostart"]:
        given["autostart"] = value["autostart"] == "true"
    if value["use_sim_time"] == "true":
        given["use_sim_time"] = True
    if value["image_reliability"]:
        topic = f"{_absolute(value['image'], value['namespace'])}{_suffix(value)}"
        given[f"qos_overrides.{topic}.subscription.reliability"] = value["image_reliability"]
    remappings = [
        ("image", value["image"]),
        ("image/compressed", f"{value['image']}/compressed"),
    ]
    if value["camera_info"]:
        remappings.append(("camera_info", value["camera_info"]))
    if value["depth"]:
        given["depth.backend"] = "topic"
        remappings.append(("depth", value["depth"]))
        remappings.append(("depth/compressedDepth", f"{value['depth']}/compressedDepth"))
    if value["depth_transport"]:
        given["depth.transport"] = value["depth_transport"]
    parameters: list[object] = [*parameter_files(value["params_file"])]
    if given:
        parameters.append(given)  # after the file, as later parameters win
    logger = ".".join([*_parts(value["namespace"]), "motion_seg"])
    return [
        Node(
            package="motion_seg_ros",
            executable="motion_seg_node",
            name="motion_seg",
            namespace=value["namespace"],
            parameters=parameters,
            remappings=remappings,
            ros_arguments=["--log-level", f"{logger}:={value['log_level']}"],
            respawn=value["respawn"] == "true",
            respawn_delay=RESPAWN_DELAY_S,
            output="screen",
        )
    ]


def _absolute(topic: str, namespace: str) -> str:
    """Return the full name of a topic, given as in a remapping."""
    return topic if topic.startswith("/") else "/".join(["", *_parts(namespace), topic])


def _parts(namespace: str) -> list[str]:
    return [each for each in namespace.split("/") if each]


def _suffix(value: dict[str, str]) -> str:
    """Return what the name of the image topic ends in."""
    return "/compressed" if value["image_transport"] == "compressed" else ""


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
