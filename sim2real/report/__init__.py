"""Reports: figures and videos of training and runs, and a self-contained HTML page."""
