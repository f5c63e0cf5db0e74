"""Telling cashier, cardholder, merchant and support what happened: templates, outbox, channels."""
