"""Publishers and subscriptions with a quality of service that the user can override."""

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
"""Called with a topic and the name of the policy that a partner there does not fit."""

_POLICIES = (
    QoSPolicyKind.HISTORY,
    QoSPolicyKind.DEPTH,
    QoSPolicyKind.RELIABILITY,
    QoSPolicyKind.DURABILITY,
)


def overridable(create: Callable[..., Any], *args: Any, event_callbacks: Any, **kwargs: Any) -> Any:
    """create(...) with parameters qos_overrides.<topic>.* and, where supported, events.

    Args:
        create: create_publisher, create_subscription or what takes the same keywords.
        args: its positional arguments.
        event_callbacks: its keyword of that name.
        kwargs: its other keywords.
    """
    kwargs["qos_overriding_options"] = QoSOverridingOptions(_POLICIES)
    try:
        return create(*args, event_callbacks=event_callbacks, **kwargs)
    except UnsupportedEventTypeError:
        return create(*args, **kwargs)


def subscription_events(topic: str, on_problem: OnProblem) -> SubscriptionEventCallbacks:
    """Events of a subscription: a publisher offers less than we ask."""
    return SubscriptionEventCallbacks(incompatible_qos=_policy_of(topic, on_problem))


def publisher_events(topic: str, on_problem: OnProblem) -> PublisherEventCallbacks:
    """Events of a publisher: a subscriber asks for more than we offer."""
    return PublisherEventCallbacks(incompatible_qos=_policy_of(topic, on_problem))


def _policy_of(topic: str, on_problem: OnProblem) -> Callable[[Any], None]:
    return lambda event: on_problem(topic, qos_policy_name_from_kind(event.last_policy_kind))
