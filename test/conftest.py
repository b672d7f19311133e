"""A corner of the ROS graph for the tests alone."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

os.environ["ROS_DOMAIN_ID"] = str(1 + os.getpid() % 100)
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
os.environ["ROS_LOG_DIR"] = tempfile.mkdtemp(prefix="motion_seg_test_log_")
# Where ROS comes from wheels, nothing else says where they are.
os.environ.setdefault("AMENT_PREFIX_PATH", sys.prefix)
# The tests play the camera: without this, best effort loses large images.
os.environ["FASTRTPS_DEFAULT_PROFILES_FILE"] = str(
    Path(__file__).parents[1] / "config" / "fastdds_large_images.xml"
)
# Humble checks the fields of messages always, newer versions only when told to.
os.environ["ROS_PYTHON_CHECK_FIELDS"] = "1"
