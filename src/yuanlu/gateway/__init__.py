"""The terminal-facing server: frames, sessions, message type to action."""
