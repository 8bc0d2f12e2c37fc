"""Repeatable benchmarks of the gateway as it is run: ratios against named ceilings, never part of the test run."""
