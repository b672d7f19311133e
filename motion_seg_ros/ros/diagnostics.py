"""Reports on /diagnostics: rates, latencies, drops and errors."""

from __future__ import annotations

from collections.abc import Mapping

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode
from rclpy.timer import Timer

from motion_seg_ros.ros.statistics import StreamSnapshot, StreamStatistics


class DiagnosticsReporter:
    """Publishes the statuses `<node>: input` and `<node>: segmentation` of a camera periodically.

    Args:
        node: the node to report on.
        statistics: counts and timings of the camera.
        period_s: time between two reports.
        camera: name of the camera, which then comes after that of the node; "" for the only one.
    """

    def __init__(
        self, node: LifecycleNode, statistics: StreamStatistics, period_s: float, camera: str
    ) -> None:
        self._node = node
        self._statistics = statistics
        self._timer: Timer | None = None
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._camera = camera
        self._image_topic = ""
        self._backend: Mapping[str, str] = {}
        self._silent = False
        self.set_period(period_s)

    def set_period(self, period_s: float) -> None:
        """Change the time between two reports."""
        if self._timer is not None:
            self._node.destroy_timer(self._timer)
        # Not the node's clock: simulated time may stand still, which must be reported.
        self._timer = self._node.create_timer(
            period_s, self._publish, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    def describe(self, image_topic: str, backend: Mapping[str, str]) -> None:
        """Set the full name of the image topic and the back end of each stage."""
        self._image_topic = image_topic
        self._backend = backend

    def _publish(self) -> None:
        now = self._statistics.snapshot()
        timeout_s = self._node.get_parameter("diagnostics.input_timeout_s").value
        publishers = self._node.count_publishers(self._image_topic) if self._image_topic else 0
        name = self._node.get_fully_qualified_name()
        name = f"{name}: {self._camera}" if self._camera else name
        statuses = [
            input_status(name, now, self._image_topic, publishers, timeout_s),
            segmentation_status(name, now, self._backend),
        ]
        message = DiagnosticArray(status=statuses)
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)
        self._log_silence(statuses[0])

    def _log_silence(self, status: DiagnosticStatus) -> None:
        """Log when the camera falls silent and when it is back."""
        silent = status.message.startswith("no input")
        if silent and not self._silent:
            self._node.get_logger().warning(status.message)
        if self._silent and not silent:
            self._node.get_logger().info("input is back")
        self._silent = silent


def input_status(
    node_name: str, now: StreamSnapshot, topic: str, publishers: int, timeout_s: float
) -> DiagnosticStatus:
    """Status of the input: images, stamps and QoS."""
    level, message = DiagnosticStatus.OK, "receiving"
    mismatches = _qos_mismatches(now, topic)
    if now.silence_s is None:
        message = "not listening: the node is not active"
    elif now.silence_s > timeout_s:
        level = DiagnosticStatus.ERROR
        cause = mismatches or "check the camera and the remapping of image"
        message = (
            f"no input: nothing on {topic} for {now.silence_s:.1f} s ({publishers} publishers); "
            f"{cause}"
        )
    elif mismatches:
        level, message = DiagnosticStatus.WARN, mismatches
    elif now.still_stamp:
        level, message = DiagnosticStatus.WARN, "stamps stand still: check the camera driver"
    elif now.input_hz == 0:
        message = "waiting for images"
    values = {
        "topic": topic,
        "publishers": publishers,
        "input rate [Hz]": f"{now.input_hz:.2f}",
        "received": now.counts["received"],
        "rejected": now.counts["rejected"],
        "QoS problems": "; ".join(f"{k}: {v}" for k, v in now.qos_problems.items()) or "none",
    }
    return _status(f"{node_name}: input", level, message, values, node_name)


def _qos_mismatches(now: StreamSnapshot, image_topic: str) -> str:
    """Describe QoS mismatches, "" for none; on the image topic only while no image arrives."""
    found = [
        f"{topic}: {policy}"
        for topic, policy in now.qos_problems.items()
        if topic != image_topic or now.input_hz == 0
    ]
    return f"QoS incompatible on {'; '.join(found)}; see qos_overrides" if found else ""


def segmentation_status(
    node_name: str, now: StreamSnapshot, backend: Mapping[str, str]
) -> DiagnosticStatus:
    """Status of the output: rates, latencies, stage times and errors."""
    level, message = DiagnosticStatus.OK, "running"
    if now.recent_errors:
        level, message = DiagnosticStatus.ERROR, now.last_error
    elif now.silence_s is None:
        message = now.last_error or "not active"
        level = DiagnosticStatus.ERROR if now.last_error else DiagnosticStatus.OK
    elif now.recent_propagated:
        level = DiagnosticStatus.WARN
        message = (
            f"too slow for the input: {now.recent_propagated} of the newest frames were propagated"
        )
    elif now.recent_too_late:
        level = DiagnosticStatus.WARN
        message = (
            f"discovery is too slow: {now.recent_too_late} new objects were found in frames that "
            "are no longer kept; raise window.size, or lower tracking.tapir.points"
        )
    elif now.abstention:
        message = f"abstaining: {now.abstention}"
    values = {
        "output rate [Hz]": f"{now.output_hz:.2f}",
        "frame age p50 [ms]": _ms(now.age_ms, 0),
        "frame age p95 [ms]": _ms(now.age_ms, 1),
        "latency p50 [ms]": _ms(now.latency_ms, 0),
        "latency p95 [ms]": _ms(now.latency_ms, 1),
        **{f"stage {name} [ms]": f"{each:.1f}" for name, each in now.stage_ms.items()},
        **_discovery_values(now),
        "inferred": now.counts["inferred"],
        "drops (propagated)": now.counts["propagated"],
        "failed": now.counts["failed"],
        "resets": now.counts["resets"],
        **{f"backend {stage}": name for stage, name in backend.items()},
        "abstention": now.abstention or "none",
        "last error": now.last_error or "none",
    }
    return _status(f"{node_name}: segmentation", level, message, values, node_name)


def _discovery_values(now: StreamSnapshot) -> dict[str, str]:
    """Timing of background discovery; empty if discovery does not run in the background."""
    if now.discovery_age_ms is None:
        return {}
    stages = now.discovery_stage_ms.items()
    return {
        "discovery rate [Hz]": f"{now.discovery_hz:.2f}",
        "discovery duration p50 [ms]": _ms(now.discovery_ms, 0),
        "discovery duration p95 [ms]": _ms(now.discovery_ms, 1),
        "discovery age [ms]": f"{now.discovery_age_ms:.1f}",
        **{f"discovery stage {name} [ms]": f"{each:.1f}" for name, each in stages},
        "discovered too late": str(now.recent_too_late),
    }


def _ms(percentiles: tuple[float, float] | None, which: int) -> str:
    return "-" if percentiles is None else f"{percentiles[which]:.1f}"


def _status(
    name: str, level: bytes, message: str, values: Mapping[str, object], hardware_id: str
) -> DiagnosticStatus:
    pairs = [KeyValue(key=key, value=str(value)) for key, value in values.items()]
    return DiagnosticStatus(
        level=level, name=name, message=message, hardware_id=hardware_id, values=pairs
    )
