"""Simulated terminals, hosts and faults, and the demo that runs on them; they ship with the program."""
