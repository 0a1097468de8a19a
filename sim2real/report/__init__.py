"""Reports: figures of training and runs, and one self-contained HTML page."""
