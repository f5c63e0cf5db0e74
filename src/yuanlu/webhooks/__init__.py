"""Telling other systems what happened: events from facts, signed and delivered until they are taken."""
