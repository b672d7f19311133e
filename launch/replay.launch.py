"""Play a rosbag to the node and record its output: `motion_seg replay` under launch.

    ros2 launch motion_seg_ros replay.launch.py bag:=drive/ output:=out

`--show-args` lists the arguments. Ends when the bag has been played and answered.
"""

from __future__ import annotations

from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, OpaqueFunction, Shutdown
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import ExecutableInPackage, FindPackageShare

from motion_seg_ros.cli.live_node import parameter_files
from motion_seg_ros.cli.replay import node_setup
from motion_seg_ros.io.bag import BagTopic
from motion_seg_ros.io.base import DepthChoice
from motion_seg_ros.settings.pipeline import PROFILES
from motion_seg_ros.settings.stages import DepthConfig

ARGUMENTS = [
    DeclareLaunchArgument("bag", description="rosbag2: folder or storage file"),
    DeclareLaunchArgument("output", description="folder to write"),
    DeclareLaunchArgument(
        "topic", default_value="", description="image topic of the bag; empty: its only one"
    ),
    DeclareLaunchArgument(
        "depth_topic",
        default_value="",
        description="depth topic of the bag; sets depth.backend to topic; empty: without depth",
    ),
    DeclareLaunchArgument(
        "rate", default_value="1.0", description="seconds of the bag per second, 0.01 to 100"
    ),
    DeclareLaunchArgument(
        "lockstep",
        default_value="false",
        choices=["true", "false"],
        description="publish each frame after the last one was answered; rate is ignored",
    ),
    DeclareLaunchArgument(
        "qos",
        default_value="recorded",
        choices=["recorded", "reliable", "best_effort"],
        description="how reliably the images are published; reliable: the node asks for it too",
    ),
    DeclareLaunchArgument(
        "truth", default_value="", description="folder with the true masks; empty: none"
    ),
    DeclareLaunchArgument(
        "truth_topic", default_value="", description="topic of the bag with them; empty: none"
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
        "rviz",
        default_value="false",
        choices=["true", "false"],
        description="open RViz on the overlay and the masks",
    ),
]
OPTIONS = {
    "topic": "--topic",
    "depth_topic": "--depth-topic",
    "truth": "--truth",
    "truth_topic": "--truth-topic",
    "profile": "--profile",
    "params_file": "--config",
}
"""Options of `motion_seg replay` for arguments that are not empty."""


def replay(context: LaunchContext) -> list[Node | ExecuteProcess]:
    """Create the node, set up for the bag, and the player.

    Raises:
        ConfigError: there is no such params_file.
        InputError: no bag, or not with this topic.
    """
    value = {each.name: LaunchConfiguration(each.name).perform(context) for each in ARGUMENTS}
    files = parameter_files(value["params_file"])
    lockstep = value["lockstep"] == "true"
    reliable = lockstep or value["qos"] == "reliable"
    source = BagTopic(
        Path(value["bag"]),
        value["topic"] or None,
        ignored=value["truth_topic"] or None,
        depth=DepthChoice(value["depth_topic"] or None, DepthConfig().slop_s),
    )
    topics, parameters = node_setup(source, reliable=reliable)
    if lockstep:
        parameters["masks.sam2.discovery"] = "in_step"  # as the command has it
    if value["profile"]:
        parameters["profile"] = value["profile"]
    options = ["--lockstep"] if lockstep else ["--rate", value["rate"]]
    for name, option in OPTIONS.items():
        options += [option, value[name]] if value[name] else []
    node = Node(
        package="motion_seg_ros",
        executable="motion_seg_node",
        name="motion_seg",
        parameters=[*files, parameters],
        remappings=list(topics.items()),
        output="screen",
    )
    # Not Node: the command does not accept --ros-args.
    player = ExecuteProcess(
        cmd=[
            ExecutableInPackage("motion_seg", "motion_seg_ros"),
            *("replay", value["bag"], "-o", value["output"], "--role", "player"),
            *("--qos", value["qos"], *options),
        ],
        output="screen",
        on_exit=Shutdown(reason="the bag was played"),
    )
    return [node, player]


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments, and start the node, the player and optionally RViz."""
    rviz = Node(
        package="rviz2",
        executable="rviz2",
        arguments=[
            "-d",
            PathJoinSubstitution([FindPackageShare("motion_seg_ros"), "rviz", "motion_seg.rviz"]),
        ],
        parameters=[{"use_sim_time": True}],
        condition=IfCondition(LaunchConfiguration("rviz")),
    )
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=replay), rviz])
