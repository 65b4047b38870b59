"""The client for asyncio. But for what goes over the network, and how several things are done at once, it is the source of the blocking one."""
