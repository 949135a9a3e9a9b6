"""From two images and a plan to a picture: objective, pyramid, compiled loop."""
