"""Checks of what comes from the camera: images, stamps, publishers, depth, calibration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from motion_seg_ros.ros.findings import Finding, Level, found
from motion_seg_ros.ros.statistics import HORIZON_S, StreamSnapshot

# Set by hand:
AHEAD_MS = 250.0  # of stamps that are later than now; a /clock of 10 Hz lags by 100
BEHIND_MS = 2000.0  # of stamps at their arrival; an executor under load takes a few frames' time
PAIRED_SHARE = 0.05  # of the images; pairs that are fewer came by chance
MIN_LATE = 3  # in some seconds; a recording that begins again is late once
MIN_UNPAIRED = 10  # images without depth before that is judged


@dataclass(frozen=True)
class InputContext:
    """Context of the checks of the input, beside the numbers of the stream.

    Attributes:
        topic: full name of the image topic.
        camera_info_topic: full name of the topic of the calibration.
        mistake: what to change where nothing can come, by what is published; "" where it can.
        advice: what to change where nothing comes, by what else is published; "" for nothing.
        publishers: full names of the nodes that publish on it, one for each publisher.
        depth_publishers: the same for the depth topic.
        depth_advice: the same for the depth topic.
        timeout_s: silence in seconds that is reported.
        simulated_time: true if the node's time is that of /clock.
        clock_runs: false if it is, and no /clock has come.
    """

    topic: str
    camera_info_topic: str
    mistake: str = ""
    advice: str = ""
    publishers: tuple[str, ...] = ()
    depth_publishers: tuple[str, ...] = ()
    depth_advice: str = ""
    timeout_s: float = 5.0
    simulated_time: bool = False
    clock_runs: bool = True


def check_input(now: StreamSnapshot, context: InputContext) -> list[Finding]:
    """Return what is wrong with the input of an active node, the worst first."""
    if now.silence_s is None:
        return []
    return found(check(now, context) for check in _CHECKS)


def _silence(now: StreamSnapshot, context: InputContext) -> Finding | None:
    if now.silence_s is None or (now.silence_s <= context.timeout_s and not context.mistake):
        return None
    cause = _qos_mismatches(now, context) or context.mistake or context.advice
    if not cause and context.publishers:
        cause = "the publisher is there and sends nothing that arrives: check the camera"
    return Finding(
        "silence",
        Level.ERROR,
        f"no input: nothing on {context.topic} for {now.silence_s:.1f} s "
        f"({publisher_count(context.publishers)}); "
        f"{cause or 'check the camera and the remapping of image'}",
    )


def _qos(now: StreamSnapshot, context: InputContext) -> Finding | None:
    mismatches = _qos_mismatches(now, context)
    if not mismatches or _silence(now, context) is not None:
        return None
    return Finding("qos", Level.WARN, mismatches, logged=True)


def _qos_mismatches(now: StreamSnapshot, context: InputContext) -> str:
    """Describe QoS mismatches, "" for none; on the image topic only while no image arrives."""
    mismatches = [
        f"{topic}: {policy}"
        for topic, policy in now.qos_problems.items()
        if topic != context.topic or now.input_hz == 0
    ]
    return f"QoS incompatible on {'; '.join(mismatches)}; see qos_overrides" if mismatches else ""


def _still_stamps(now: StreamSnapshot, context: InputContext) -> Finding | None:
    if not now.still_stamp:
        return None
    return Finding("stamps", Level.WARN, "stamps stand still: check the camera driver")


def _late(now: StreamSnapshot, context: InputContext) -> Finding | None:
    if now.recent_late < MIN_LATE:
        return None
    return Finding(
        "late",
        Level.WARN,
        f"images come out of order: {now.recent_late} of the last {HORIZON_S:g} s are older than "
        "the one before, and get masks propagated to them; see who stamps and sends them",
    )


def _clock(now: StreamSnapshot, context: InputContext) -> Finding | None:
    """Stamps by another clock than the node's."""
    if not context.clock_runs:
        if not now.input_hz and (now.silence_s or 0.0) <= context.timeout_s:
            return None  # it may begin with the images, as that of a bag player
        return Finding(
            "clock",
            Level.WARN,
            "simulated time stands at 0: use_sim_time is true and no /clock has come; start it "
            "(ros2 bag play --clock, or the simulator), or set use_sim_time to false",
        )
    age_ms = now.arrival_age_ms
    if age_ms is None or -AHEAD_MS <= age_ms <= BEHIND_MS or now.still_stamp:
        return None
    if context.simulated_time:
        remedy = "images and /clock must come from the same bag or simulator, and /clock must run"
    elif age_ms < 0:
        remedy = "synchronise the clocks of the camera's computer and this one (NTP, PTP)"
    else:
        remedy = (
            "synchronise the clocks of the camera's computer and this one (NTP, PTP); for a bag or "
            "a simulator set use_sim_time to true and publish /clock"
        )
    found_out = (
        f"{-age_ms / 1e3:.1f} s in the future" if age_ms < 0 else f"{age_ms / 1e3:.1f} s old"
    )
    return Finding("clock", Level.WARN, f"stamps are {found_out} when images arrive: {remedy}")


def _publishers(now: StreamSnapshot, context: InputContext) -> Finding | None:
    if len(context.publishers) < 2:
        return None
    return Finding(
        "publishers",
        Level.WARN,
        f"{len(context.publishers)} publishers on {context.topic}: "
        f"{publisher_names(context.publishers)}; their images are taken for those of one camera: "
        "stop one or remap it (what is left of a process that crashed goes away by itself)",
    )


def _depth(now: StreamSnapshot, context: InputContext) -> Finding | None:
    pairing = now.pairing
    if pairing is None or now.silence_s is None or now.silence_s > context.timeout_s:
        return None
    if pairing.silence_s > context.timeout_s:
        return Finding(
            "depth",
            Level.WARN,
            f"no depth: nothing on {pairing.topic} for {pairing.silence_s:.1f} s "
            f"({publisher_count(context.depth_publishers)}); images are answered without; "
            f"{context.depth_advice or 'check the camera and the remapping of depth'}",
        )
    if pairing.images < MIN_UNPAIRED or pairing.paired >= PAIRED_SHARE * pairing.images:
        return None
    limits, offset_s = pairing.limits, pairing.nearest_offset_s
    cause = "check the stamps of both"
    if offset_s is not None and abs(offset_s) > limits.slop_s:
        cause = (
            f"the stamps of the nearest differ by {abs(offset_s):.3f} s, more than "
            f"depth.slop_s = {limits.slop_s:g}; synchronise both, or raise depth.slop_s"
        )
    elif pairing.delay_s is not None and pairing.delay_s > 0:
        cause = (
            f"it comes {pairing.delay_s:.3f} s after its image, and the image waits "
            f"{limits.max_wait_s:g} s at most; raise depth.max_wait_s"
        )
    return Finding(
        "depth",
        Level.WARN,
        f"depth does not pair: {pairing.paired} of the newest {pairing.images} images have depth, "
        f"of {pairing.depths} on {pairing.topic}; {cause}",
    )


def _calibration(now: StreamSnapshot, context: InputContext) -> Finding | None:
    calibration = now.calibration
    if calibration is None or calibration.is_blank or not calibration.problem:
        return None
    return Finding(
        "calibration",
        Level.WARN,
        f"{context.camera_info_topic} is {calibration.problem}; it is not used, but passed on "
        "under every mask: check that it belongs to these images",
    )


_CHECKS: tuple[Callable[[StreamSnapshot, InputContext], Finding | None], ...] = (
    _silence,
    _qos,
    _still_stamps,
    _late,
    _clock,
    _publishers,
    _depth,
    _calibration,
)


def publisher_count(publishers: tuple[str, ...]) -> str:
    """Return "no publisher", or how many there are."""
    count = len(publishers)
    return f"{count or 'no'} publisher{'s' if count > 1 else ''}"


def publisher_names(publishers: tuple[str, ...]) -> str:
    """Return the names of the nodes, with the number of publishers where one has several."""
    counts = {name: publishers.count(name) for name in publishers}
    return ", ".join(f"{name} ({n} times)" if n > 1 else name for name, n in counts.items())
