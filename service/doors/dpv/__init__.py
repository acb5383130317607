"""The Data Privacy Vocabulary (DPV 2.3): terms read as facts, decisions and transfers written as records."""
