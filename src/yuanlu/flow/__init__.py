"""The life of one transaction: `purchase`, then what can happen to it in `repeats`, `reversals`, `late`, `recovery`."""
