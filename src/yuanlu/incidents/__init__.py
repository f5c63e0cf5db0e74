"""Incidents: many payments with one cause, at one place, for a while; found by detection or declared by a person."""
