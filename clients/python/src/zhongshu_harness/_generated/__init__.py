"""Made by clients/python/generate; nothing here is written by hand."""
