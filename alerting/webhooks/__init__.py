"""Standard Webhooks 1.0.0: sign, resolve, send, decide what next, deliver - one small file each."""
