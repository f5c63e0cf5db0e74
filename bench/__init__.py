"""Measurements of Yuanlu on this machine. `python -m bench` runs them all; `docs/performance.md` explains them."""
