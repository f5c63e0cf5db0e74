"""A till of our own: payments that come as JSON reach the gateway as any terminal's do."""
