"""Upstream: what each host promises, and the connection to it."""
