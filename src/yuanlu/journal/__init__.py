"""Append-only facts and each transaction's current state, in one durable group commit."""
