"""From the JSON of an exchange to typed facts, or to a refusal with every place that is wrong, contradictions included."""
