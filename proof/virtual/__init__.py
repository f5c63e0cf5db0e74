"""The real asyncio stack in virtual time: an event loop and a network that a seed decides, for L1 and L3."""
