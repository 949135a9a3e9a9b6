"""Extracts the activations of layers, given a network and layer addresses."""
