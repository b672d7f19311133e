"""The lifecycle node: connects the topics of its cameras to the inference thread."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, State, TransitionCallbackReturn
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from motion_seg_ros.build import build
from motion_seg_ros.errors import MotionSegError
from motion_seg_ros.flow.dense import DenseFlow
from motion_seg_ros.networks.runtime import library
from motion_seg_ros.plan import STAGES, Plan, resolve
from motion_seg_ros.ros.camera import Camera
from motion_seg_ros.ros.parameters import (
    current_values,
    declare_parameters,
    effect_of_change,
    read_parameters,
    unused_qos_overrides,
    validate_change,
)
from motion_seg_ros.ros.repeats import CountingLogger
from motion_seg_ros.ros.rosout import RosoutHandler
from motion_seg_ros.ros.transitions import answer_every_request
from motion_seg_ros.ros.worker import InferenceWorker
from motion_seg_ros.settings.declaration import NODE_NAME
from motion_seg_ros.settings.node import NodeConfig
from motion_seg_ros.settings.pipeline import Config
from motion_seg_ros.streaming.background import NetworkTurns

COUNT_CHECK_S = 1.0
"""Period in which the counts of repeated log lines are looked through. Set by hand."""


class MotionSegNode(LifecycleNode):  # type: ignore[misc]  # rclpy is untyped
    """Images of one camera or several in, moving masks out.

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
        # First: where a parameter is refused, Kilted destroys the node at shutdown.
        self._lines = CountingLogger(self.get_logger())
        self._log_handler = RosoutHandler(self._lines)
        self.transitions = MutuallyExclusiveCallbackGroup()
        answer_every_request(self, self.transitions)
        declare_parameters(self)
        self.add_on_set_parameters_callback(partial(validate_change, self))
        names = [each for each in self.get_parameter("cameras").value if each]
        self._cameras = [Camera(self, each, self._lines) for each in names or [""]]
        self._create_reset_services(names)
        self._config = Config()
        self._own = NodeConfig()
        self._worker: InferenceWorker | None = None
        if self.get_parameter("autostart").value:
            self._start_timer = self.create_timer(
                0.0,
                self._autostart,
                callback_group=self.transitions,
                clock=Clock(clock_type=ClockType.STEADY_TIME),
            )
        self.create_timer(
            COUNT_CHECK_S, self._lines.flush, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    def set_parameters_atomically(self, parameter_list: Sequence[Parameter]) -> SetParametersResult:
        """Set parameters; the result and a log line say which take effect later.

        What the callback answers on success, rclpy forgets.
        """
        before = current_values(self)
        result = super().set_parameters_atomically(parameter_list)
        later = effect_of_change(before, current_values(self))
        if result.successful and later:
            result.reason = later
            self.get_logger().info(later)
        return result

    def destroy_node(self) -> None:
        """Leave the ROS graph, and the package's logger."""
        self._log_handler.close()
        self._lines.flush(everything=True)
        super().destroy_node()

    def _autostart(self) -> None:
        self.destroy_timer(self._start_timer)
        success = TransitionCallbackReturn.SUCCESS
        if self.trigger_configure() == success and self.trigger_activate() == success:
            topics = ", ".join(each.topic(self._own) for each in self._cameras)
            self.get_logger().info(f"active, listening to {topics}")

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
            for each in self._cameras:
                each.statistics.record_error(text)
            self.get_logger().error(text)
            undo()
            return TransitionCallbackReturn.FAILURE
        return TransitionCallbackReturn.SUCCESS

    def _configure(self) -> None:
        self._config, self._own = read_parameters(current_values(self))
        plan, turns = resolve(self._config, live=True), NetworkTurns()
        for each in self._cameras:
            flow = DenseFlow(plan.config.flow.max_side_px)
            each.configure(
                build(plan, turns=turns, flow=flow),
                self._own,
                _backends(plan),
                # The masks of sam2 have no working size, and its tracker runs in the background.
                None if plan.config.masks.backend == "sam2" else flow,
            )

    def _start(self) -> None:
        if not all(each.configured for each in self._cameras):
            raise MotionSegError(
                "activate: expected an idle pipeline, found that it hangs since the node was last "
                "active; clean up and configure again, or restart the node"
            )
        max_bytes = self._own.queue.max_mb * 10**6 // len(self._cameras)
        streams = [each.open(self._config, max_bytes, len(self._cameras)) for each in self._cameras]
        worker = self._worker = InferenceWorker(streams)
        worker.start()
        depth = self._config.depth
        for camera, stream in zip(self._cameras, streams, strict=True):
            camera.subscribe(
                self._own,
                depth_slop_s=depth.slop_s if depth.backend == "topic" else None,
                max_bytes=max_bytes,
                on_received=partial(worker.submit, stream),
            )
        for name in unused_qos_overrides(self):
            self.get_logger().warning(f"{name}: no topic of this node uses it; check its spelling")

    def _stop(self) -> None:
        for each in self._cameras:
            each.unsubscribe()
        ended = self._worker is None or self._worker.stop()
        self._worker = None
        for each in self._cameras:
            each.close(hangs=not ended)

    def _free(self) -> None:
        for each in self._cameras:
            each.free()

    def _create_reset_services(self, names: Sequence[str]) -> None:
        """Create `~/reset` for all cameras, and `~/<name>/reset` for each one that has a name."""
        self.create_service(Trigger, "~/reset", partial(_reset, self._cameras))
        for name, camera in zip(names, self._cameras, strict=False):
            self.create_service(Trigger, f"~/{name}/reset", partial(_reset, [camera]))


def _backends(plan: Plan) -> dict[str, str]:
    """Return the back end of each stage, and what runs ONNX files, for /diagnostics."""
    exported = any(each.suffix == ".onnx" for each in plan.weights.values())
    return {
        "profile": plan.config.profile,
        **{stage: getattr(plan.config, stage).backend for stage in STAGES},
        **({"networks": library()} if exported else {}),
        "discovery": "background" if plan.background else "in step",
    }


def _reset(
    cameras: Sequence[Camera], request: Trigger.Request, response: Trigger.Response
) -> Trigger.Response:
    done = [each.request_reset() for each in cameras]
    response.success = all(done)
    response.message = (
        "the window is reset before the next frame"
        if response.success
        else "nothing to reset: the node is not configured"
    )
    return response
