"""Settings: thread-local contexts, restored on exceptions, validated."""
