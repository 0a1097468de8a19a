"""What every serial bus needs: transports, framing, requests with retries, discovery, register tables."""
