"""The client of Houston, the API of an Astronomer Software platform."""
