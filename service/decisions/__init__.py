"""Deciding: from an exchange to a durable answer, and deciding a record again."""
