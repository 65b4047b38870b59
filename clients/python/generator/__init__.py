"""What `generate` is made of: it is not part of the package."""
