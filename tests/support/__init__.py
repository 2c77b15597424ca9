"""What tests of several rooms share. Nothing outside `tests` imports it."""
