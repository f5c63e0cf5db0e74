"""L2, power loss: what the real gateway writes and syncs is recorded, and the states of the disk that a power cut could
leave are rebuilt and opened again.
"""
