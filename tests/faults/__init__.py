"""Every fault at every place: the suite behind `make faults`."""
