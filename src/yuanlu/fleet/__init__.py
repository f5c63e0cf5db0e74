"""Terminals: what is observed about them, and what people declare about one payment."""
