"""Tasks: what a circuit is tested on, and published numbers to compare it with."""

from eisim.analysis.task import Fact, Obstruction, Task

__all__ = ["Fact", "Obstruction", "Task"]
