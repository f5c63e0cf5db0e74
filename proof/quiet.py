"""Thousands of gateways run: only what goes really wrong is told."""

import logging

import structlog


def quiet() -> None:
    """Log errors that end something, and nothing else."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
