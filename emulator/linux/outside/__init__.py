"""What a network has on the machine itself: ways out by NAT, ports, and interfaces that it borrowed."""
