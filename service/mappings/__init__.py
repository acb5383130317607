"""From what other programs send to exchanges: what a request states, with what the register has of the entities that it names."""
