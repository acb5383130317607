"""From an exchange to a durable answer, and back again."""
