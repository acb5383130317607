"""The figures that parts of a service keep, given to its metrics: an open service goes in, and its page of metrics has them."""

from service.service import Service


def register(service: Service) -> None:
    """Have the metrics of a service show them, read anew for each page."""
    tell = service.metrics.tell
    store, load = service.store, service.load
    tell("counter", "fifthfactor_log_entries_total", "Records that are durable.", lambda: store.records)
    tell("counter", "fifthfactor_log_commits_total", "Commits of the writer.", lambda: store.writer.counts.commits)
    tell("counter", "fifthfactor_log_failures_total", "Writes that failed.", lambda: store.writer.counts.failures)
    tell("gauge", "fifthfactor_log_waiting", "Writes that wait.", lambda: store.writer.waiting)
    tell("gauge", "fifthfactor_log_behind_seconds", "How long the oldest write has waited.", lambda: store.writer.behind)
    tell(
        "counter",
        "fifthfactor_incidents_total",
        "Exchanges on which engines disagreed or failed.",
        lambda: service.incidents.seen,
    )
    tell("gauge", "fifthfactor_http_requests_under_way", "Requests being answered.", lambda: load.under_way)
    tell("gauge", "fifthfactor_http_requests_arriving", "Requests whose body is awaited.", lambda: load.arriving)
    tell("counter", "fifthfactor_http_requests_shed_total", "Requests refused because of the load.", lambda: load.shed)
    tell("gauge", "fifthfactor_policy_info", "The policies that decide.", lambda: [(service.live.digests.model_dump(), 1)])
    tell(
        "counter",
        "fifthfactor_policy_reloads_total",
        "Reloads of the policies that succeeded.",
        lambda: service.policies.reloads,
    )
    tell(
        "counter",
        "fifthfactor_policy_refusals_total",
        "Reloads of the policies that were refused.",
        lambda: service.policies.refusals,
    )
    tell(
        "gauge",
        "fifthfactor_policy_last_reload_success_timestamp_seconds",
        "When the policies were last reloaded, or began to decide.",
        lambda: (service.policies.reloaded_at or service.policies.since).timestamp(),
    )
