"""What `sim2real view` shows, and where: a window, or a page in a browser."""
