"""Rules by which callers are received at queues."""
