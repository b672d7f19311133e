"""One camera of the node: its pipeline, topics, counts and diagnostics."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rclpy.lifecycle import LifecycleNode

from motion_seg_ros.flow.dense import DenseFlow
from motion_seg_ros.io.calibration import is_rectified
from motion_seg_ros.pipeline import FrameSegmenter
from motion_seg_ros.ros.diagnostics import DiagnosticsReporter
from motion_seg_ros.ros.frames import InputFrame
from motion_seg_ros.ros.inputs import (
    InputSubscriptions,
    camera_info_topic,
    image_topic,
    wanted_depth,
    wanted_images,
)
from motion_seg_ros.ros.publishers import ResultPublishers
from motion_seg_ros.ros.repeats import CountingLogger
from motion_seg_ros.ros.size_control import SizeControl, WorkingSize
from motion_seg_ros.ros.statistics import StreamStatistics
from motion_seg_ros.ros.stream import CameraStream
from motion_seg_ros.settings.node import NodeConfig
from motion_seg_ros.settings.pipeline import Config


class Camera:
    """The pipeline, topics and counts of one camera.

    Args:
        node: owner of the topics.
        name: name of the camera, "" for the only one: comes before the names of its topics.
        logger: gets its log lines.

    Attributes:
        statistics: its counts and timings.
        stream: its frames while the node is active, else None.
    """

    def __init__(self, node: LifecycleNode, name: str, logger: CountingLogger) -> None:
        self._node = node
        self._name = name
        self._prefix = f"{name}/" if name else ""
        self._logger = _CameraLogger(logger, name)
        self.statistics = StreamStatistics()
        self._diagnostics = DiagnosticsReporter(
            node,
            self.statistics,
            node.get_parameter("diagnostics.period_s").value,
            self._logger,
            camera=name,
        )
        self._segmenter: FrameSegmenter | None = None
        self._flow: DenseFlow | None = None
        self._outputs: ResultPublishers | None = None
        self._inputs: InputSubscriptions | None = None
        self.stream: CameraStream | None = None
        self._topic = ""

    @property
    def configured(self) -> bool:
        """True while it has a pipeline that can be used."""
        return self._segmenter is not None

    def topic(self, config: NodeConfig) -> str:
        """Return the full name of its image topic."""
        name = image_topic(self._node, config, self._prefix)
        return str(self._node.resolve_topic_name(name))

    def configure(
        self,
        segmenter: FrameSegmenter,
        config: NodeConfig,
        backends: Mapping[str, str],
        flow: DenseFlow | None,
    ) -> None:
        """Take over a pipeline, and create the publishers.

        Args:
            segmenter: the pipeline, which is closed in `free`.
            config: settings of the node.
            backends: stage -> back end, for /diagnostics.
            flow: of the pipeline, whose working size may change; None: nothing depends on it.
        """
        self.statistics.clear()
        self._segmenter = segmenter
        self._flow = flow
        self._outputs = ResultPublishers(
            self._node,
            self._prefix,
            dilation_px=lambda: self._node.get_parameter("static_mask.dilation_px").value,
            on_qos_problem=self._on_qos_problem,
            on_shortage=self._diagnostics.report_shortage,
        )
        self._diagnostics.set_period(config.diagnostics.period_s)
        info_topic = self._node.resolve_topic_name(camera_info_topic(self._node, self._prefix))
        self._diagnostics.describe(
            wanted_images(self._node, config, self._prefix),
            wanted_depth(self._node, config, self._prefix),
            info_topic,
            backends,
        )
        self._topic = self.topic(config)

    def open(self, config: Config, max_bytes: int, cameras: int) -> CameraStream:
        """Begin a stream, and return it.

        Args:
            config: settings of the pipeline.
            max_bytes: memory for waiting images.
            cameras: how many share the thread that infers.
        """
        assert self._segmenter is not None  # configure comes before
        assert self._outputs is not None
        self.stream = CameraStream(
            segmenter=self._segmenter,
            deliver=self._outputs.publish,
            now_ns=lambda: self._node.get_clock().now().nanoseconds,
            statistics=self.statistics,
            logger=self._logger,
            max_bytes=max_bytes,
            max_gap_s=config.window.max_gap_s,
            max_backward_s=config.window.max_backward_s,
            topic=self._topic,
            rectified=is_rectified(self._topic),
            working_size=self._working_size(config, cameras),
        )
        return self.stream

    def _working_size(self, config: Config, cameras: int) -> WorkingSize | None:
        if self._flow is None:
            return None
        fixed = config.flow.max_side_px > 0
        return WorkingSize(self._flow, None if fixed else SizeControl(cameras))

    def subscribe(
        self,
        config: NodeConfig,
        *,
        depth_slop_s: float | None,
        max_bytes: int,
        on_received: Callable[[InputFrame], None],
    ) -> None:
        """Subscribe to the camera.

        Args:
            config: settings of the node.
            depth_slop_s: see `InputSubscriptions`, as is the next.
            max_bytes: memory for images that wait for their depth.
            on_received: called with each image of the open stream.
        """
        assert self.stream is not None
        self._inputs = InputSubscriptions(
            self._node,
            config,
            self._prefix,
            depth_slop_s=depth_slop_s,
            max_bytes=max_bytes,
            statistics=self.statistics,
            on_received=on_received,
            report=self.stream.report,
            on_qos_problem=self._on_qos_problem,
        )

    def unsubscribe(self) -> None:
        """Stop listening to the camera."""
        if self._inputs is not None:
            self._inputs.destroy()
            self._inputs = None

    def close(self, *, hangs: bool) -> None:
        """End the stream and reset the pipeline, which is given up if it `hangs`."""
        self.stream = None
        if hangs or not self._reset():
            self._segmenter = None  # a hanging thread still uses it

    def free(self) -> None:
        """Destroy the publishers, and close the pipeline."""
        if self._outputs is not None:
            self._outputs.destroy()
            self._outputs = None
        if self._segmenter is not None:
            self._segmenter.close()
            self._segmenter = None

    def request_reset(self) -> bool:
        """Forget the past before the next frame; return false if the camera is not configured."""
        stream = self.stream  # a transition may be under way in the other thread
        if stream is not None:
            stream.request_reset()
        return stream is not None or self.configured

    def _reset(self) -> bool:
        """Reset the pipeline; return false on error."""
        try:
            if self._segmenter is not None:
                self._segmenter.reset()
        except Exception as error:
            self._logger.error(f"resetting the pipeline failed: {error}")
            return False
        return True

    def _on_qos_problem(self, topic: str, policy: str) -> None:
        self.statistics.record_qos_problem(topic, policy)
        self._logger.warning(f"QoS incompatible on {topic}: {policy}; see qos_overrides")


class _CameraLogger:
    """The node's logger, with the name of a camera before each line. Not a child logger, whose
    lines Humble does not publish."""

    def __init__(self, logger: CountingLogger, camera: str) -> None:
        self._logger = logger
        self._start = f"{camera}: " if camera else ""

    def info(self, message: str) -> None:
        self._logger.info(self._start + message)

    def warning(self, message: str) -> None:
        self._logger.warning(self._start + message)

    def error(self, message: str) -> None:
        self._logger.error(self._start + message)
