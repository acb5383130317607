"""Every event of the log, sent to sinks."""
