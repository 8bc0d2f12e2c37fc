"""The accuracy and speed of linking: on Febrl, on the simulated hospitals, on any labelled CSV; beside Splink."""
