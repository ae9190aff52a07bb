"""What is published to a bucket and read from one, on a server of its own."""
