"""Controllers of OpenFlow switches: started, found again and stopped; those that run elsewhere relayed."""
