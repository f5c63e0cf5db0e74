"""Giving the money back, exactly once: states (one table), policy (pure), engine, store."""
