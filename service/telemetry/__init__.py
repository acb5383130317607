"""Telemetry of the service: log lines, metrics, traces and incidents."""
