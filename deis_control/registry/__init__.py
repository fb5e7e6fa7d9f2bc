"""The distribution registry: names of images, and a client of its HTTP API."""
