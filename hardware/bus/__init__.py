"""Shared by all serial buses: transports, framing, requests with retries, discovery, register tables, the polled bus."""
