"""The geometry of what is lost: regions of the plane with and without inhibition."""
