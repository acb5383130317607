"""
Metrics for Prometheus: figures in, a page of text out, in the format of Prometheus or in OpenMetrics, as it is asked for.

INVARIANT (bounded, nothing personal): a label is an outcome, a declared route, a status, a kind of refusal or a name of the service's own,
never a value that a caller sent. A request without a route counts as `other`.

Several workers of one service share a folder. Each writes its figures there every second, and the page is the sum over all of them.
The figures of the worker that answers are current; those of the others are at most a second old. The counts of a worker stay in the
sums after its end. What is the same for all workers, such as the size of the database, is read by the one that answers.
"""

import asyncio
import json
import os
import re
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from structlog.typing import FilteringBoundLogger

from service.store.durable_file import alone_in
from service.telemetry.log_lines import described

SHARE_SECONDS = 1.0

_ENDED = "ended.json"
_DECISION_BUCKETS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.35, 0.5, 0.75, 1.0, 2.5)
_REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

# Of these gauges the largest value of a worker is the value of the service. All other gauges are added, if it is not said otherwise.
_LARGEST = ("_info", "_timestamp_seconds", "_start_time_seconds", "_max_fds", "_behind_seconds", "_lag_seconds", "_lag_events")

_FORMS = ("application/openmetrics-text", "text/plain", "text/*", "*/*")
_WEIGHT = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?", re.ASCII)

Labelled = Sequence[tuple[Mapping[str, str], float]]
Over = Literal["sum", "largest", "answering"]  # the workers: added, the largest value, or read by the one that answers


class Metrics:
    """The metrics of one process. Call `decided` and `answered` in its event loop."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._told = _Told()
        self._over: dict[str, Over] = {}
        self._registry.register(self._told)
        ProcessCollector(registry=self._registry)
        self._decisions = Counter("fifthfactor_decisions", "Decisions made, by outcome.", ["outcome"], registry=self._registry)
        self._deciding = Histogram(
            "fifthfactor_decision_duration_seconds",
            "Time from reading an exchange to its decision, before the record is durable.",
            registry=self._registry,
            buckets=_DECISION_BUCKETS,
        )
        self._requests = Counter(
            "fifthfactor_http_requests", "Requests answered, by route and status.", ["route", "status"], registry=self._registry
        )
        self._answering = Histogram(
            "fifthfactor_http_request_duration_seconds",
            "Time from the head of a request to the end of its answer.",
            ["route"],
            registry=self._registry,
            buckets=_REQUEST_BUCKETS,
        )
        self._refusals = Counter(
            "fifthfactor_refusals", "Requests refused, by the kind of the problem.", ["kind"], registry=self._registry
        )
        looked_up = Counter(
            "fifthfactor_answer_cache_lookups",
            "Exchanges, by whether an answer that is kept was given: a hit, a miss, or a bypass where none may be.",
            ["result"],
            registry=self._registry,
        )
        self._hit, self._missed, self._bypassed = map(looked_up.labels, ("hit", "miss", "bypass"))
        # Looking up a child by its labels costs more than counting.
        self._by_outcome: dict[str, Counter] = {}
        self._by_answer: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self._folder: Path | None = None
        self._say: FilteringBoundLogger | None = None
        self._prevented: set[tuple[str, ...]] = set()  # by what kinds of errors the figures were not shared
        self._writing = threading.Lock()  # INVARIANT (whole files): one thread at a time writes the file of this worker
        self._refreshing: list[Callable[[], Awaitable[None]]] = []

    def decided(self, outcome: str, seconds: float) -> None:
        """A decision was made."""
        counter = self._by_outcome.get(outcome) or self._by_outcome.setdefault(outcome, self._decisions.labels(outcome))
        counter.inc()
        self._deciding.observe(seconds)

    def looked_up(self, found: bool | None) -> None:
        """A kept answer was looked for, and found or not; None: the answer depends on more than the exchange, so none was looked for."""
        (self._bypassed if found is None else self._hit if found else self._missed).inc()

    def refused(self, kind: str, count: int = 1) -> None:
        """So many requests were refused, by the kind of their problem."""
        self._refusals.labels(kind).inc(count)

    def answered(self, route: str | None, status: int, seconds: float, refused: str | None = None) -> None:
        """
        A request was answered. `route` is the declared route; `status` is 0 where the caller had left; `refused` is the kind of a problem.
        """
        if refused is not None:
            self.refused(refused)
        key = (route or "other", status)
        if not (found := self._by_answer.get(key)):
            found = self._requests.labels(key[0], str(status) if status else "gone"), self._answering.labels(key[0])
            self._by_answer[key] = found
        found[0].inc()
        found[1].observe(seconds)

    def tell(
        self,
        kind: Literal["counter", "gauge"],
        name: str,
        documentation: str,
        read: Callable[[], float | Labelled],
        over: Over | None = None,
    ) -> None:
        """
        Register a figure that is kept elsewhere. `read` is called for each page, and each second if there are other workers.

        A gauge is the sum `over` the workers; or the largest value of one, as some names imply; or what the worker that answers reads.
        """
        self._told.figures[name] = (kind, documentation, read)
        self._over[name] = over or ("largest" if kind == "gauge" and name.endswith(_LARGEST) else "sum")

    def refresh_by(self, refresh: Callable[[], Awaitable[None]]) -> None:
        """Have something brought up to date before each page."""
        self._refreshing.append(refresh)

    async def page(self, accept: str = "") -> tuple[bytes, str]:
        """The page, over all workers, and its media type, by a header `Accept`."""
        for refresh in self._refreshing:
            await refresh()
        return await asyncio.to_thread(self._page, accept)  # with many routes it takes some milliseconds

    def _page(self, accept: str) -> tuple[bytes, str]:
        snapshots = [self._snapshot()]
        if self._folder:
            mine = self._folder / f"{os.getpid()}.json"
            snapshots += [_read(file) for file in self._folder.glob("*.json") if file != mine]
        largest = {name for name, over in tuple(self._over.items()) if over == "largest"}
        try:
            encode, media_type = choose_encoder(_preferred(accept))
        except (TypeError, ValueError):  # a version that is none
            encode, media_type = choose_encoder("")
        return encode(_Fixed(_merged(snapshots, largest))), media_type

    def share(self, folder: Path, say: FilteringBoundLogger) -> None:
        """Share the figures of this worker with the others, while `sharing`. `say` writes a line for what prevents it."""
        self._folder, self._say = folder, say

    @asynccontextmanager
    async def sharing(self) -> AsyncIterator[None]:
        """Write the figures every second and at the end, if there are other workers."""
        task = asyncio.create_task(self._share(self._folder)) if self._folder else None
        yield
        if task and self._folder:
            task.cancel()
            self._write_mine(self._folder)  # what was counted since stays in the sums

    async def _share(self, folder: Path) -> None:
        while True:
            await asyncio.to_thread(self._write_mine, folder)
            await asyncio.sleep(SHARE_SECONDS)

    def _write_mine(self, folder: Path) -> None:
        try:
            with self._writing:
                shared = (each for each in self._snapshot() if self._over.get(each.name) != "answering")
                _write(folder / f"{os.getpid()}.json", shared)
        except Exception as failed:  # noqa: BLE001 - a full disk, or a figure that cannot be read now: the others keep what was written
            self._not_shared(failed)

    def _not_shared(self, failed: Exception) -> None:
        """Write a line for an error, once for each kind and place of it: the next round may meet it again."""
        told = described(failed)
        reason = failed.strerror if isinstance(failed, OSError) else None
        kind = (told["error"], reason or "", *told["at"])
        if self._say and kind not in self._prevented:
            self._prevented.add(kind)
            self._say.warning("figures_not_shared", **({"reason": reason} if reason else {}), **told)

    def _snapshot(self) -> list[Metric]:
        found = []
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            found.append(metric)
        return found


def worker_ended(folder: Path, pid: int) -> None:
    """A worker ended: its counts stay in the sums, its gauges do not. Only a parent calls this; while one replaces another, both do."""
    mine = folder / f"{pid}.json"
    if mine.exists():
        with suppress(OSError, ValueError), alone_in(folder):  # no figure is worth a service
            counted = [metric for metric in _read(mine) if metric.type != "gauge"]
            _write(folder / _ENDED, _merged([_read(folder / _ENDED), counted], ()))
        mine.unlink(missing_ok=True)


def _preferred(accept: str) -> str:
    """The form in a header `Accept` that has the greatest weight, of those that there are; nothing where it is any."""
    found: list[tuple[float, str]] = []
    for each in accept.split(","):
        kind, *parameters = (part.strip() for part in each.split(";"))
        said = next((part[2:] for part in parameters if part[:2].lower() == "q="), "1")
        if kind in _FORMS and _WEIGHT.fullmatch(said) and float(said):
            found.append((float(said), each if kind in _FORMS[:2] else ""))
    return max(found, key=lambda form: form[0], default=(0.0, ""))[1]


class _Told(Collector):
    """Figures that are counted elsewhere."""

    def __init__(self) -> None:
        self.figures: dict[str, tuple[str, str, Callable[[], float | Labelled]]] = {}

    def collect(self) -> Iterator[Metric]:
        for name, (kind, documentation, read) in tuple(self.figures.items()):  # what starts meanwhile may add some
            metric = Metric(name.removesuffix("_total") if kind == "counter" else name, documentation, kind)
            value = read()
            for labels, each in [({}, value)] if isinstance(value, int | float) else value:
                metric.add_sample(name, dict(labels), each)
            yield metric


class _Fixed(CollectorRegistry):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        super().__init__()
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _merged(snapshots: Iterable[Sequence[Metric]], largest_of: Collection[str]) -> list[Metric]:
    """One snapshot from several: sums, but the largest value for some gauges: those that are named, and some of the process."""
    metrics: dict[str, Metric] = {}
    values: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]] = {}
    for metric in (metric for snapshot in snapshots for metric in snapshot):
        metrics.setdefault(metric.name, metric)
        held = values.setdefault(metric.name, {})
        largest = metric.name in largest_of or (metric.type == "gauge" and metric.name.endswith(_LARGEST))
        for sample in metric.samples:
            key = (sample.name, tuple(sample.labels.items()))
            before = held.get(key)
            held[key] = sample.value if before is None else max(before, sample.value) if largest else before + sample.value
    found = []
    for name, metric in metrics.items():
        one = Metric(name, metric.documentation, metric.type)
        for (sample_name, labels), value in values[name].items():
            one.add_sample(sample_name, dict(labels), value)
        found.append(one)
    return found


def _write(file: Path, snapshot: Iterable[Metric]) -> None:
    content = [
        [metric.name, metric.documentation, metric.type, [[each.name, each.labels, each.value] for each in metric.samples]]
        for metric in snapshot
    ]
    new = file.with_suffix(".new")
    new.write_text(json.dumps(content), encoding="utf-8")
    new.replace(file)  # a reader finds either the whole old file or the whole new one


def _read(file: Path) -> list[Metric]:
    found = []
    with suppress(FileNotFoundError):
        for name, documentation, kind, samples in json.loads(file.read_text(encoding="utf-8")):
            metric = Metric(name, documentation, kind)
            for sample, labels, value in samples:
                metric.add_sample(sample, labels, value)
            found.append(metric)
    return found
