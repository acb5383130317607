"""The figures that parts of a service keep, given to its metrics: an open service goes in, and its page of metrics has them."""

import platform
from collections.abc import Callable

import engine
from service.problems import KINDS
from service.server.database_figures import DatabaseFigures
from service.service import Service
from service.telemetry.metrics import Labelled

_Figure = tuple[str, str, Callable[[], float]]


def register(service: Service) -> None:
    """Have the metrics of a service show them, read anew for each page."""
    for kind in (_of_the_log, _of_requests, _of_policies, _of_the_shadow):
        kind(service)
    build = {
        "version": engine.__version__,
        "python": platform.python_version(),
        "database": service.store.database.dialect,
        "mode": service.settings.mode,
    }
    service.metrics.tell("gauge", "fifthfactor_build_info", "What runs: versions, database and mode.", lambda: [(build, 1)])
    for each in KINDS:  # so that the first of a kind is seen as one more
        service.metrics.refused(each, 0)
    DatabaseFigures(service).register()


def _of_the_log(service: Service) -> None:
    store, tell = service.store, service.metrics.tell
    counts = store.writer.counts
    counters: tuple[_Figure, ...] = (
        ("fifthfactor_log_entries_total", "Records that are durable.", lambda: store.records),
        ("fifthfactor_log_commits_total", "Commits of the writer.", lambda: counts.commits),
        ("fifthfactor_log_failures_total", "Writes that failed.", lambda: counts.failures),
        ("fifthfactor_log_lock_wait_seconds_total", "Time spent waiting for the writing lock.", lambda: counts.lock_seconds),
        ("fifthfactor_log_writing_seconds_total", "Time spent in transactions with the lock.", lambda: counts.writing_seconds),
    )
    for name, documentation, read in counters:
        tell("counter", name, documentation, read)
    tell("gauge", "fifthfactor_log_waiting", "Writes that wait.", lambda: store.writer.waiting)
    tell("gauge", "fifthfactor_log_behind_seconds", "How long the oldest write has waited.", lambda: store.writer.behind)
    tell(
        "gauge",
        "fifthfactor_log_refused",
        "Whether nothing is recorded, because a witness knows another history of the log.",
        lambda: store.database.refuses,
        over="largest",
    )


def _of_requests(service: Service) -> None:
    load, tell = service.load, service.metrics.tell
    tell(
        "counter",
        "fifthfactor_incidents_total",
        "Exchanges on which engines disagreed or failed.",
        lambda: service.incidents.seen,
    )
    tell("gauge", "fifthfactor_http_requests_under_way", "Requests being answered.", lambda: load.under_way)
    tell("gauge", "fifthfactor_http_requests_arriving", "Requests whose body is awaited.", lambda: load.arriving)
    tell("counter", "fifthfactor_http_requests_shed_total", "Requests refused because of the load.", lambda: load.shed)
    tell("gauge", "fifthfactor_answer_cache_bytes", "What kept answers take.", lambda: service.live.decisions.bytes)


def _of_policies(service: Service) -> None:
    policies, tell = service.policies, service.metrics.tell
    tell("gauge", "fifthfactor_policy_info", "The policies that decide.", lambda: [(service.live.digests.model_dump(), 1)])
    tell("counter", "fifthfactor_policy_reloads_total", "Reloads of the policies that succeeded.", lambda: policies.reloads)
    tell(
        "counter", "fifthfactor_policy_refusals_total", "Reloads of the policies that were refused.", lambda: policies.refusals
    )
    tell(
        "gauge",
        "fifthfactor_policy_refused",
        "Whether the last reload of the policies was refused.",
        lambda: policies.refused is not None,
        over="largest",
    )
    tell(
        "gauge",
        "fifthfactor_policy_last_reload_success_timestamp_seconds",
        "When the policies were last reloaded, or began to decide.",
        lambda: (policies.reloaded_at or policies.since).timestamp(),
    )


def _of_the_shadow(service: Service) -> None:
    def read() -> Labelled:
        if service.shadow is None:
            return ()
        counts = service.shadow.counts
        each = {
            "same": counts.compared - counts.differing,
            "different": counts.differing,
            "dropped": counts.dropped,
            "failed": counts.failed,
        }
        return [({"result": result}, number) for result, number in each.items()]

    service.metrics.tell("counter", "fifthfactor_shadow_decisions_total", "Decisions given to the shadow, by result.", read)
