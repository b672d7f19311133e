"""Masks what moves in the world in a camera image, for ROS 2."""

import os
import sys

__version__ = "0.1.0"

# An editable install leaves the messages that it built in its environment, since they load in one
# distribution of ROS 2 and one version of Python only: see setup.py.
__path__.insert(0, os.path.join(sys.prefix, "lib", "motion_seg_ros", "interfaces"))
