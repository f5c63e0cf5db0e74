"""The model (L0): the real flow and return engine in virtual time, between simulated tills, hosts and faults."""
