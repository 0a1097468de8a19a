"""Shared by all serial buses: transports, framing, requests with retries, discovery, register tables, polled bus."""
