"""Images learned for kernel regression: KIP and adv-KIP."""
