"""The judging core on scripted sandboxes."""
