"""What the signed wiring of a circuit or connectome alone proves of its responses (T10)."""
