"""The words of the pages and of the reports: a catalogue for each language."""
