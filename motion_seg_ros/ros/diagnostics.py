"""Reports on /diagnostics: what comes in, what goes out, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode
from rclpy.timer import Timer

from motion_seg_ros.ros.findings import Finding, Level, found, summary
from motion_seg_ros.ros.input_checks import (
    InputContext,
    check_input,
    publisher_names,
)
from motion_seg_ros.ros.segmentation_checks import SegmentationChecks
from motion_seg_ros.ros.statistics import StreamSnapshot, StreamStatistics
from motion_seg_ros.ros.topic_advice import COMPRESSED, IMAGE, WantedTopic, advice, mistake

UNKNOWN_NODE = "_NODE_NAME_UNKNOWN_"
"""Name of a node that the middleware has not heard of yet, as rmw_dds_common gives it."""


class DiagnosticsReporter:
    """Publishes the statuses `<node>: input` and `<node>: segmentation` of a camera periodically,
    and logs each problem when it begins.

    Args:
        node: the node to report on.
        statistics: counts and timings of the camera.
        period_s: time between two reports.
        logger: gets the log lines.
        camera: name of the camera, which then comes after that of the node; "" for the only one.
    """

    def __init__(
        self,
        node: LifecycleNode,
        statistics: StreamStatistics,
        period_s: float,
        logger: Any,
        camera: str,
    ) -> None:
        self._node = node
        self._statistics = statistics
        self._timer: Timer | None = None
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._camera = camera
        self._images, self._depth = WantedTopic(""), WantedTopic("")
        self._camera_info_topic = ""
        self._backend: Mapping[str, str] = {}
        self._segmentation = SegmentationChecks()
        self._shortage: Finding | None = None
        self._log = ProblemLog(logger)
        self.set_period(period_s)

    def set_period(self, period_s: float) -> None:
        """Change the time between two reports."""
        if self._timer is not None:
            self._node.destroy_timer(self._timer)
        # Not the node's clock: simulated time may stand still, which must be reported.
        self._timer = self._node.create_timer(
            period_s, self._publish, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    def describe(
        self,
        images: WantedTopic,
        depth: WantedTopic,
        camera_info_topic: str,
        backend: Mapping[str, str],
    ) -> None:
        """Set the topics that are listened to, and the back end of each stage."""
        self._images, self._depth = images, depth
        self._camera_info_topic = camera_info_topic
        self._backend = backend
        self._shortage = None

    def report_shortage(self, text: str) -> None:
        """Report, until the next `describe`, that answers do not fit into the middleware's
        memory."""
        self._shortage = Finding("shared memory", Level.WARN, text)

    def _publish(self) -> None:
        now = self._statistics.snapshot()
        context = self._context(now)
        given = check_input(now, context)
        taken = found([*self._segmentation.check(now, context.timeout_s), self._shortage])
        name = self._node.get_fully_qualified_name()
        name = f"{name}: {self._camera}" if self._camera else name
        message = DiagnosticArray(
            status=[
                input_status(name, now, context, given),
                segmentation_status(name, now, self._backend, taken),
            ]
        )
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)
        self._log.update(now, [*given, *taken])

    def _context(self, now: StreamSnapshot) -> InputContext:
        simulated = bool(self._node.get_parameter("use_sim_time").value)
        timeout_s = self._node.get_parameter("diagnostics.input_timeout_s").value
        waiting = now.silence_s is not None and not now.input_hz
        images = self._published(self._images) if waiting else {}
        no_depth = now.pairing is not None and now.pairing.silence_s > timeout_s
        depths = self._published(self._depth) if no_depth else {}
        return InputContext(
            topic=self._images.name,
            camera_info_topic=self._camera_info_topic,
            mistake=mistake(self._images, images),
            advice=advice(self._images, images),
            publishers=self._publishers(self._images.name),
            depth_publishers=self._publishers(self._depth.name if now.pairing else ""),
            depth_advice=advice(self._depth, depths),
            timeout_s=timeout_s,
            simulated_time=simulated,
            clock_runs=not simulated or self._node.get_clock().now().nanoseconds > 0,
        )

    def _publishers(self, topic: str) -> tuple[str, ...]:
        """Full names of the nodes that publish on a topic, one for each publisher."""
        infos = self._node.get_publishers_info_by_topic(topic) if topic else []
        names = (f"{each.node_namespace.rstrip('/')}/{each.node_name}" for each in infos)
        return tuple(sorted(each for each in names if not each.endswith(UNKNOWN_NODE)))

    def _published(self, wanted: WantedTopic) -> dict[str, set[str]]:
        """Types that others publish on a topic, and on all topics of images."""
        kinds = {
            name: {each.topic_type for each in self._others(name)}
            for name, types in self._node.get_topic_names_and_types()
            if name == wanted.name or not {IMAGE, COMPRESSED}.isdisjoint(types)
        }
        return {name: found for name, found in kinds.items() if found}

    def _others(self, topic: str) -> list[Any]:
        """Publishers of a topic that are not this node's."""
        own = (self._node.get_namespace(), self._node.get_name())
        infos = self._node.get_publishers_info_by_topic(topic)
        return [each for each in infos if (each.node_namespace, each.node_name) != own]


class ProblemLog:
    """Logs each problem when it begins, and when images come after there were none.

    Args:
        logger: gets the lines.
    """

    def __init__(self, logger: Any) -> None:
        self._logger = logger
        self._known: frozenset[str] = frozenset()
        self._silence_s = 0.0
        self._had_input = False

    def update(self, now: StreamSnapshot, findings: Sequence[Finding]) -> None:
        """Note the problems of this moment."""
        before, self._known = self._known, frozenset(each.name for each in findings)
        for each in findings:
            if each.name not in before and not each.logged:
                self._logger.warning(each.text)
        if "silence" in self._known:
            self._silence_s = now.silence_s or 0.0
            self._had_input = now.counts["received"] > 0
        elif "silence" in before and now.silence_s is not None:  # else the node stopped listening
            what = "input is back" if self._had_input else "the first image has come"
            self._logger.info(f"{what} after {self._silence_s:.1f} s")


def input_status(
    name: str, now: StreamSnapshot, context: InputContext, findings: Sequence[Finding]
) -> DiagnosticStatus:
    """Status of the input: images, stamps, publishers, depth and calibration."""
    otherwise = "receiving" if now.input_hz else "waiting for images"
    if now.silence_s is None:
        otherwise = "not listening: the node is not active"
    values = {
        "topic": context.topic,
        "publishers": publisher_names(context.publishers) or "none",
        "input rate [Hz]": f"{now.input_hz:.2f}",
        "received": now.counts["received"],
        "late": now.counts["late"],
        "rejected": now.counts["rejected"],
        "stamp to arrival p50 [ms]": _number(now.arrival_age_ms),
        "calibration": now.calibration or f"none received on {context.camera_info_topic}",
        **_depth_values(now),
        "QoS problems": "; ".join(f"{k}: {v}" for k, v in now.qos_problems.items()) or "none",
    }
    return _status(f"{name}: input", summary(findings, otherwise), values, name)


def _depth_values(now: StreamSnapshot) -> dict[str, object]:
    """Counts of depth and of pairs; empty without a depth topic."""
    pairing = now.pairing
    if pairing is None:
        return {}
    offset_s = pairing.nearest_offset_s if pairing.offset_s is None else pairing.offset_s
    waited_ms = pairing.waited_s and (pairing.waited_s[0] * 1e3, pairing.waited_s[1] * 1e3)
    share = 100 * pairing.paired / pairing.images if pairing.images else None
    return {
        "depth topic": pairing.topic,
        "depth images": pairing.depths,
        "images with depth": pairing.paired,
        "images without depth": pairing.images - pairing.paired,
        "images with depth [%]": _number(share),
        "depth stamp offset p50 [ms]": _number(None if offset_s is None else offset_s * 1e3),
        "depth stamp slop [ms]": _number(pairing.limits.slop_s * 1e3),
        "wait for depth p50 [ms]": _ms(waited_ms, 0),
        "wait for depth p95 [ms]": _ms(waited_ms, 1),
    }


def segmentation_status(
    name: str, now: StreamSnapshot, backend: Mapping[str, str], findings: Sequence[Finding]
) -> DiagnosticStatus:
    """Status of the output: rates, latencies, stage times and errors."""
    otherwise = f"abstaining: {now.abstention}" if now.abstention else "running"
    if now.silence_s is None:
        otherwise = "not active"
    elif not now.output_hz:
        otherwise = "waiting for images"
    values = {
        "output rate [Hz]": f"{now.output_hz:.2f}",
        "inferred rate [Hz]": f"{now.trend.inferred_hz:.2f}",
        "propagated share [%]": f"{100 * now.trend.propagated_share:.0f}",
        **({"working size": now.working_size} if now.working_size else {}),
        "frame age p50 [ms]": _ms(now.age_ms, 0),
        "frame age p95 [ms]": _ms(now.age_ms, 1),
        "latency p50 [ms]": _ms(now.latency_ms, 0),
        "latency p95 [ms]": _ms(now.latency_ms, 1),
        **{f"stage {stage} [ms]": f"{each:.1f}" for stage, each in now.stage_ms.items()},
        **_discovery_values(now),
        "inferred": now.counts["inferred"],
        "drops (propagated)": now.counts["propagated"],
        "failed": now.counts["failed"],
        "resets": now.counts["resets"],
        **{f"backend {stage}": name for stage, name in backend.items()},
        "abstention": now.abstention or "none",
        "last error": now.last_error or "none",
    }
    return _status(f"{name}: segmentation", summary(findings, otherwise), values, name)


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
    return _number(None if percentiles is None else percentiles[which])


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _status(
    name: str, said: tuple[Level, str], values: Mapping[str, object], hardware_id: str
) -> DiagnosticStatus:
    level, message = said
    pairs = [KeyValue(key=key, value=str(value)) for key, value in values.items()]
    return DiagnosticStatus(
        level=bytes([level]), name=name, message=message, hardware_id=hardware_id, values=pairs
    )
