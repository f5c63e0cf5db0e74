"""What people do beside the gateway, by command line or console: read, build, commit in one short transaction."""
