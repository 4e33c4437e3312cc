"""Figures of the queue of jobs for Prometheus, read when they are asked for."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from layers import database, jobs, results
from layers.database import Session, sessionmaker
from layers.errors import LayersError


class QueueFigures(Collector):
    """Jobs by status, workers, and results that are kept; none while the database does not answer."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def describe(self) -> list[GaugeMetricFamily]:
        """Return nothing: asking for the figures at registration would need the database."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Read the figures."""
        try:
            with database.translated(), self._sessions() as session:
                counted, workers = jobs.counts(session), jobs.workers(session)
                kept = results.stored(session)
        except LayersError:
            return
        by_status = GaugeMetricFamily("wangge_jobs", "Jobs that are remembered, by status", labels=["status"])
        for status in jobs.STATUSES:
            by_status.add_metric([status], counted.get(status, 0))
        yield by_status
        yield GaugeMetricFamily("wangge_workers", "Workers that are connected", value=workers)
        yield GaugeMetricFamily("wangge_results", "Results that are kept", value=kept.count)
        yield GaugeMetricFamily("wangge_results_bytes", "Bytes of the results that are kept", value=kept.size)
