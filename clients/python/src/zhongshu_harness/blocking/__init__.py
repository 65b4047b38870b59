"""The client without asyncio: made from `zhongshu_harness.aio`, but for the modules that say so."""
