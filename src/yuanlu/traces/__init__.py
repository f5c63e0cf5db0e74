"""Traces of payments, made from the journal's facts after they happened."""
