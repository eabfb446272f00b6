"""How the image of a hop gets to a Deployment."""
