"""Operator files read into checked frozen models."""
