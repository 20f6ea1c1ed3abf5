"""Any Brian2 network, a script or objects, ablated as it is: inhibition found by its effect, and scaled."""
