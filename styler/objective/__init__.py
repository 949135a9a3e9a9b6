"""What an image should match: the terms of a render put together."""
