"""Sample media and the demonstration that is made from them."""
