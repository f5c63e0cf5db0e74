"""Keys: the store's contract, the software store of the sandbox, and MAC and PIN block under its keys."""
