"""The objective of a render: the terms that an image should minimize, put together."""
