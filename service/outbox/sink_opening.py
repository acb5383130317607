"""A sink for each kind of settings. A kind whose libraries are an extra is imported only where a sink of this kind is set."""

from collections.abc import Callable
from datetime import datetime

from service.outbox.sink_settings import AnySink, FilesSettings, KafkaSettings, OtlpSettings, WebhookSettings
from service.outbox.sinks import Sink


def open_sink(settings: AnySink, source: str, clock: Callable[[], datetime]) -> Sink:
    """
    The sink of some settings, which sends nothing yet. `source` is the source of its events in CloudEvents.

    Raises SettingRefused where a file of the settings cannot be used, or the extra of its kind is not installed.
    """
    match settings:
        case WebhookSettings():
            from service.outbox.webhook_sink import WebhookSink

            return WebhookSink(settings, source, clock)
        case FilesSettings():
            from service.outbox.day_files import DayFiles

            return DayFiles(settings, source)
        case OtlpSettings():
            from service.outbox.otlp_sink import OtlpSink

            return OtlpSink(settings, source, clock)
        case KafkaSettings():
            from service.outbox.kafka_sink import KafkaSink

            return KafkaSink(settings, source)
