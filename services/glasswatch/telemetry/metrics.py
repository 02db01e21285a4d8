"""Every metric of every service, in one place, so that names and labels stay of one kind.

Names begin with `glasswatch_` and end with their unit. Labels take few values that are known beforehand (workers,
detectors, defects, outcomes): a label that names a title or message would make a series for each of them. Only the
decoder's few metrics of an input name channels: there are as many as are configured, and they go with them.
Only services import this module, for it needs the extra `cluster`.
"""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

# They are a second series for each counter and histogram, which nobody looks at.
disable_created_metrics()  # type: ignore[no-untyped-call]

REGISTRY = CollectorRegistry()

ProcessCollector(registry=REGISTRY)

_WORK_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Buckets for work on one message: from a skipped one to one that holds up a channel."""

_LATENCY_S = (0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)
"""Buckets for the way from media to an operator: below a second to minutes, after a restart."""

# --- Workers: detectors and the aggregator ---

WORKER_MESSAGES = Counter(
    "glasswatch_worker_messages_total",
    "Messages taken, by what came of them: handled, duplicate, stray, not_asked, shed, failed or dead_letter.",
    ["worker", "outcome"],
    registry=REGISTRY,
)
WORKER_HANDLE_SECONDS = Histogram(
    "glasswatch_worker_handle_seconds",
    "Time to handle one message.",
    ["worker"],
    buckets=_WORK_S,
    registry=REGISTRY,
)
WORKER_LAG_SECONDS = Gauge(
    "glasswatch_worker_lag_seconds",
    "Age of the message that is handled now, since it was published.",
    ["worker"],
    registry=REGISTRY,
)
WORKER_CHECKPOINT_SECONDS = Histogram(
    "glasswatch_worker_checkpoint_seconds",
    "Time to store one checkpoint.",
    ["worker"],
    buckets=_WORK_S,
    registry=REGISTRY,
)
WORKER_UNACKNOWLEDGED = Gauge(
    "glasswatch_worker_unacknowledged",
    "Messages that were handled but whose offset is not acknowledged yet.",
    ["worker"],
    registry=REGISTRY,
)
WORKER_CHANNELS = Gauge(
    "glasswatch_worker_channels",
    "Channels for which the worker holds state.",
    ["worker"],
    registry=REGISTRY,
)
SHED_MEDIA_SECONDS = Counter(
    "glasswatch_shed_media_seconds_total",
    "Media that was passed over unjudged to keep up, by its duration.",
    ["worker"],
    registry=REGISTRY,
)
LOST_MEDIA_MESSAGES = Counter(
    "glasswatch_lost_media_messages_total",
    "Messages that the numbering within sessions shows to be missing.",
    ["worker"],
    registry=REGISTRY,
)
DETECTIONS = Counter(
    "glasswatch_detections_total",
    "Judged spans: ok, defect or inconclusive.",
    ["detector", "verdict"],
    registry=REGISTRY,
)
EVENTS = Counter(
    "glasswatch_events_total",
    "Changes of defect events, by the state that they led to.",
    ["defect", "state"],
    registry=REGISTRY,
)
EVENT_LATENCY_SECONDS = Histogram(
    "glasswatch_event_latency_seconds",
    "From the publication of the media that shows a defect to the event in Redis.",
    ["defect"],
    buckets=_LATENCY_S,
    registry=REGISTRY,
)

# --- Decoder ---

DECODER_CHANNELS = Gauge(
    "glasswatch_decoder_channels",
    "Channels that are followed now.",
    registry=REGISTRY,
)
DECODER_MEDIA_SECONDS = Counter(
    "glasswatch_decoder_media_seconds_total",
    "Media decoded, by its duration.",
    ["channel"],
    registry=REGISTRY,
)
DECODER_LAG_SECONDS = Gauge(
    "glasswatch_decoder_lag_seconds",
    "How far the media of a live channel is behind the time that has passed since its session began.",
    ["channel"],
    registry=REGISTRY,
)
DECODER_RECONNECTS = Counter(
    "glasswatch_decoder_reconnects_total",
    "How often a live input was opened again.",
    ["channel"],
    registry=REGISTRY,
)
DECODER_MESSAGES = Counter(
    "glasswatch_decoder_messages_total",
    "Media messages published.",
    ["rendition"],
    registry=REGISTRY,
)
DECODER_BYTES = Counter(
    "glasswatch_decoder_bytes_total",
    "Bytes of media messages published, without payloads that went to the media store.",
    ["rendition"],
    registry=REGISTRY,
)
DECODER_CLAIM_CHECKS = Counter(
    "glasswatch_decoder_claim_checks_total",
    "Payloads that were too large for a message and went to the media store.",
    registry=REGISTRY,
)
DECODER_UNCONFIRMED_BYTES = Gauge(
    "glasswatch_decoder_unconfirmed_bytes",
    "Bytes that were published and that Kafka has not confirmed yet.",
    registry=REGISTRY,
)

# --- Stores ---

STORE_FAILURES = Counter(
    "glasswatch_store_failures_total",
    "Calls of a store that failed, by the kind of failure.",
    ["store", "reason"],
    registry=REGISTRY,
)

# --- Inference on a Triton server ---

INFERENCE_SECONDS = Histogram(
    "glasswatch_inference_seconds",
    "Time to an answer, repeated attempts included; calls that failed are not in it.",
    ["model"],
    buckets=_WORK_S,
    registry=REGISTRY,
)
INFERENCE_FAILURES = Counter(
    "glasswatch_inference_failures_total",
    "Calls that failed: refused, unavailable, deadline, failed, circuit_open or closed.",
    ["model", "reason"],
    registry=REGISTRY,
)
INFERENCE_CIRCUIT_OPEN = Gauge(
    "glasswatch_inference_circuit_open",
    "1 while calls of the model are held back because the last ones failed, 0 otherwise.",
    ["model"],
    registry=REGISTRY,
)
