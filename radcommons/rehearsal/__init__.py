"""A simulated upstream on loopback and the service in front of it: what a newcomer sees without the internet. An exercise, always."""
