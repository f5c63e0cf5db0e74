"""Fuzzing of everything that reads bytes or text from outside: `python -m proof.fuzz`."""
