"""Deciding: from an exchange to a durable answer; deciding a record again, to commit it, to replay it or to give a receipt."""
