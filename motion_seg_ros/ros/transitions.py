"""Lifecycle transitions in a thread of their own, and a response to every request for one."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait

from lifecycle_msgs.srv import ChangeState
from rclpy.callback_groups import CallbackGroup
from rclpy.executors import ShutdownException, SingleThreadedExecutor, TimeoutException
from rclpy.lifecycle import LifecycleNode
from rclpy.task import Task


class LifecycleExecutor(SingleThreadedExecutor):  # type: ignore[misc]  # rclpy is untyped
    """Run callbacks in the thread that spins, and those of one group in a background thread.

    Loading networks or waiting for a frame to end may take a minute; parameters, diagnostics and
    get_state are served meanwhile. rclpy's MultiThreadedExecutor would hand every image from thread
    to thread as well, and before Kilted it cannot be waited for at shutdown. An error in a callback
    is logged, and ends nothing.

    Args:
        node: the node to spin.
        apart: callback group, mutually exclusive, of the callbacks that may take long.
    """

    def __init__(self, node: LifecycleNode, apart: CallbackGroup) -> None:
        super().__init__(context=node.context)
        self._logger = node.get_logger()
        self._apart = apart
        self._thread = ThreadPoolExecutor(1, "transitions")
        self._submitted: list[Future[None]] = []
        self.add_node(node)

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Run the next callback, or start it in the background thread."""
        try:
            task, entity, _ = self.wait_for_ready_callbacks(timeout_sec=timeout_sec)
        except (ShutdownException, TimeoutException):
            return
        if entity is not None and entity.callback_group is self._apart:
            pending = [each for each in self._submitted if not each.done()]
            self._submitted = [*pending, self._thread.submit(self._run, task)]
        else:
            self._run(task)

    def shutdown(self, timeout_sec: float | None = None) -> bool:
        """Wait for a transition under way, then stop.

        Returns:
            False if the transition takes longer than the timeout.
        """
        self._thread.shutdown(wait=False, cancel_futures=True)
        ended = not wait(self._submitted, timeout_sec).not_done
        return bool(super().shutdown(timeout_sec)) and ended

    def _run(self, task: Task) -> None:
        task()
        if task.exception() is not None:
            self._logger.error(f"callback failed: {_one_line(task.exception())}")


def answer_every_request(node: LifecycleNode, group: CallbackGroup) -> None:
    """Refuse the transitions that the node's state does not allow, as rclcpp does.

    Before Kilted, rclpy raises in the callback of the service, so that the caller waits for a
    response for ever.

    Args:
        node: the node whose service `change_state` is meant.
        group: callback group to serve it in.
    """
    service = next(each for each in node.services if each.srv_type is ChangeState)
    change_state = service.callback

    def answer(
        request: ChangeState.Request, response: ChangeState.Response
    ) -> ChangeState.Response:
        try:
            return change_state(request, response)
        except Exception as error:
            transition = request.transition.label or request.transition.id
            node.get_logger().warning(f"transition {transition} refused: {_one_line(error)}")
            response.success = False
            return response

    service.callback = answer
    service.callback_group = group
    group.add_entity(service)


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
