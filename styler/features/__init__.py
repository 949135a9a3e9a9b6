"""Network and layer addresses in, named activations out."""
