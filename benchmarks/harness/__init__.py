"""Starts servers, loads them, checks every answer, and writes down what was measured."""
