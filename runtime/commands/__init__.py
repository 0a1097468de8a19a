"""The commands of the runtime, one module each; the root command loads them by entry point."""
