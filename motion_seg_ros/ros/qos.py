"""Publishers and subscriptions whose quality of service can be overridden by parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.qos import QoSPolicyKind, qos_policy_name_from_kind
from rclpy.qos_overriding_options import QoSOverridingOptions

try:
    from rclpy.event_handler import (
        PublisherEventCallbacks,
        SubscriptionEventCallbacks,
        UnsupportedEventTypeError,
    )
except ImportError:  # Humble
    from rclpy.qos_event import (
        PublisherEventCallbacks,
        SubscriptionEventCallbacks,
        UnsupportedEventTypeError,
    )

OnProblem = Callable[[str, str], None]
"""Called with a topic and the name of the incompatible policy."""

_POLICIES = (
    QoSPolicyKind.HISTORY,
    QoSPolicyKind.DEPTH,
    QoSPolicyKind.RELIABILITY,
    QoSPolicyKind.DURABILITY,
)


def overridable(create: Callable[..., Any], *args: Any, event_callbacks: Any, **kwargs: Any) -> Any:
    """Call `create` with parameters qos_overrides.<topic>.* and, if supported, with events.

    Args:
        create: create_publisher, create_subscription or a function with the same keywords.
        args: positional arguments of it.
        event_callbacks: events to handle.
        kwargs: other keyword arguments of it.
    """
    kwargs["qos_overriding_options"] = QoSOverridingOptions(_POLICIES)
    try:
        return create(*args, event_callbacks=event_callbacks, **kwargs)
    except UnsupportedEventTypeError:
        return create(*args, **kwargs)


def subscription_events(topic: str, on_problem: OnProblem) -> SubscriptionEventCallbacks:
    """Report publishers that offer less than the subscription requests."""
    return SubscriptionEventCallbacks(incompatible_qos=_policy_of(topic, on_problem))


def publisher_events(topic: str, on_problem: OnProblem) -> PublisherEventCallbacks:
    """Report subscriptions that request more than the publisher offers."""
    return PublisherEventCallbacks(incompatible_qos=_policy_of(topic, on_problem))


def _policy_of(topic: str, on_problem: OnProblem) -> Callable[[Any], None]:
    return lambda event: on_problem(topic, qos_policy_name_from_kind(event.last_policy_kind))
