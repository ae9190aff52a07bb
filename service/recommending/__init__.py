"""The domain: who is similar, what to watch next, and why. It takes plain values and knows nothing of HTTP."""
