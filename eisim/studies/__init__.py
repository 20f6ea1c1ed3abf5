"""The science of each experiment."""
