"""L4, processes: a real gateway, hosts and tills, killed with -9 under load behind a network that fails."""
