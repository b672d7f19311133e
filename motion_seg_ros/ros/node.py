"""The lifecycle node: connects the topics to the inference thread."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, State, TransitionCallbackReturn
from std_srvs.srv import Trigger

from motion_seg_ros.build import build
from motion_seg_ros.errors import MotionSegError
from motion_seg_ros.pipeline import FrameSegmenter
from motion_seg_ros.plan import STAGES, Plan, resolve
from motion_seg_ros.ros.depth_pairing import require_message_filters
from motion_seg_ros.ros.diagnostics import DiagnosticsReporter
from motion_seg_ros.ros.inputs import InputSubscriptions, image_topic
from motion_seg_ros.ros.parameters import (
    current_values,
    declare_parameters,
    read_parameters,
    unused_qos_overrides,
    validate_change,
)
from motion_seg_ros.ros.publishers import ResultPublishers
from motion_seg_ros.ros.rosout import RosoutHandler
from motion_seg_ros.ros.statistics import StreamStatistics
from motion_seg_ros.ros.transitions import answer_every_request
from motion_seg_ros.ros.worker import InferenceWorker
from motion_seg_ros.settings.declaration import NODE_NAME
from motion_seg_ros.settings.node import NodeConfig
from motion_seg_ros.settings.pipeline import Config


class MotionSegNode(LifecycleNode):  # type: ignore[misc]  # rclpy is untyped
    """Camera images in, moving masks out.

    Models load in configure, topics run while active, and cleanup frees everything. With the
    parameter `autostart` the executor takes the node through configure and activate first.

    Attributes:
        transitions: callback group of everything that changes the lifecycle state; such callbacks
            may take long.

    Raises:
        ConfigError: a parameter is unknown or refused.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(NODE_NAME, **kwargs)
        self.transitions = MutuallyExclusiveCallbackGroup()
        answer_every_request(self, self.transitions)
        declare_parameters(self)
        self.add_on_set_parameters_callback(partial(validate_change, self))
        self._statistics = StreamStatistics()
        self._diagnostics = DiagnosticsReporter(
            self, self._statistics, self.get_parameter("diagnostics.period_s").value
        )
        self.create_service(Trigger, "~/reset", self._on_reset)
        self._config = Config()
        self._own = NodeConfig()
        self._segmenter: FrameSegmenter | None = None
        self._outputs: ResultPublishers | None = None
        self._worker: InferenceWorker | None = None
        self._inputs: InputSubscriptions | None = None
        if self.get_parameter("autostart").value:
            self._start_timer = self.create_timer(
                0.0,
                self._autostart,
                callback_group=self.transitions,
                clock=Clock(clock_type=ClockType.STEADY_TIME),
            )
        self._log_handler = RosoutHandler(self.get_logger())

    def destroy_node(self) -> None:
        """Leave the ROS graph, and the package's logger."""
        self._log_handler.close()
        super().destroy_node()

    def _autostart(self) -> None:
        self.destroy_timer(self._start_timer)
        success = TransitionCallbackReturn.SUCCESS
        if self.trigger_configure() == success and self.trigger_activate() == success:
            topic = self.resolve_topic_name(image_topic(self, self._own))
            self.get_logger().info(f"active, listening to {topic}")

    def on_configure(self, state: State) -> TransitionCallbackReturn:
        """Build the pipeline and create the publishers."""
        return self._attempt(self._configure, self._free)

    def on_activate(self, state: State) -> TransitionCallbackReturn:
        """Start the inference thread and subscribe to the camera."""
        super().on_activate(state)  # first: a frame may arrive as soon as the node subscribes
        outcome = self._attempt(self._start, self._stop)
        if outcome != TransitionCallbackReturn.SUCCESS:
            super().on_deactivate(state)
        return outcome

    def on_deactivate(self, state: State) -> TransitionCallbackReturn:
        """Unsubscribe and end the inference thread."""
        self._stop()
        return super().on_deactivate(state)

    def on_cleanup(self, state: State) -> TransitionCallbackReturn:
        """Free everything that configure created."""
        self._free()
        return super().on_cleanup(state)

    def on_shutdown(self, state: State) -> TransitionCallbackReturn:
        """Free everything, in any state."""
        self.close()
        return super().on_shutdown(state)

    def on_error(self, state: State) -> TransitionCallbackReturn:
        """Free everything and return to unconfigured."""
        self.close()
        return super().on_error(state)

    def close(self) -> None:
        """Stop and free everything; may be called in any state."""
        self._stop()
        self._free()

    def _attempt(
        self, action: Callable[[], None], undo: Callable[[], None]
    ) -> TransitionCallbackReturn:
        """Do the work of a transition; an error is logged in one line, undone, and fails it."""
        try:
            action()
        except Exception as error:
            text = " ".join(str(error).split())
            if not isinstance(error, MotionSegError):
                text = f"{type(error).__name__}: {text}"
                self.get_logger().debug(traceback.format_exc())
            self._statistics.record_error(text)
            self.get_logger().error(text)
            undo()
            return TransitionCallbackReturn.FAILURE
        return TransitionCallbackReturn.SUCCESS

    def _configure(self) -> None:
        self._config, self._own = read_parameters(current_values(self))
        if self._config.depth.backend == "topic":
            require_message_filters()
        self._statistics.clear()
        self._diagnostics.set_period(self._own.diagnostics.period_s)
        plan = resolve(self._config, live=True)
        self._segmenter = build(plan)
        self._outputs = ResultPublishers(
            self,
            dilation_px=lambda: self.get_parameter("static_mask.dilation_px").value,
            on_qos_problem=self._on_qos_problem,
        )
        self._diagnostics.describe(
            self.resolve_topic_name(image_topic(self, self._own)), self._backends(plan)
        )

    def _backends(self, plan: Plan) -> dict[str, str]:
        """Return the back end of each stage, for /diagnostics."""
        return {
            "profile": plan.config.profile,
            **{stage: getattr(plan.config, stage).backend for stage in STAGES},
            "discovery": "background" if plan.background else "in step",
        }

    def _start(self) -> None:
        assert self._outputs is not None  # configure precedes activate
        if self._segmenter is None:
            raise MotionSegError(
                "activate: expected an idle pipeline, found that it hangs since the node was last "
                "active; clean up and configure again, or restart the node"
            )
        self._worker = InferenceWorker(
            segmenter=self._segmenter,
            deliver=self._outputs.publish,
            now_ns=lambda: self.get_clock().now().nanoseconds,
            statistics=self._statistics,
            logger=self.get_logger(),
            max_bytes=self._own.queue.max_mb * 10**6,
            max_gap_s=self._config.window.max_gap_s,
        )
        self._worker.start()
        self._inputs = InputSubscriptions(
            self,
            self._own,
            with_depth=self._config.depth.backend == "topic",
            statistics=self._statistics,
            on_received=self._worker.submit,
            on_qos_problem=self._on_qos_problem,
        )
        for name in unused_qos_overrides(self):
            self.get_logger().warning(f"{name}: no topic of this node uses it; check its spelling")

    def _stop(self) -> None:
        if self._inputs is not None:
            self._inputs.destroy()
            self._inputs = None
        if self._worker is not None:
            if not self._worker.stop():
                self._segmenter = None  # the hanging thread still uses it
            self._worker = None
        if self._segmenter is not None and not self._reset():
            self._segmenter = None

    def _reset(self) -> bool:
        """Reset the pipeline; return false on error."""
        assert self._segmenter is not None
        try:
            self._segmenter.reset()
        except Exception as error:
            self.get_logger().error(f"resetting the pipeline failed: {error}")
            return False
        return True

    def _free(self) -> None:
        if self._outputs is not None:
            self._outputs.destroy()
            self._outputs = None
        if self._segmenter is not None:
            self._segmenter.close()
            self._segmenter = None

    def _on_reset(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        worker = self._worker  # a transition may be under way in the other thread
        response.success = self._segmenter is not None
        response.message = "the window is reset before the next frame"
        if worker is not None:
            worker.request_reset()
        elif not response.success:
            response.message = "nothing to reset: the node is not configured"
        return response

    def _on_qos_problem(self, topic: str, policy: str) -> None:
        self._statistics.record_qos_problem(topic, policy)
        self.get_logger().warning(f"QoS incompatible on {topic}: {policy}; see qos_overrides")
