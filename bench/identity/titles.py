"""The titles of the sections that `python -m bench.identity` writes; needs none of what it measures with."""

FEBRL = "Identity, Febrl"
HOSPITALS = {
    100_000: "Identity, 100,000 records",
    1_000_000: "Identity, 1,000,000 records",
}
"""By the number of records."""
SPARK = "Identity, Spark"
UNSEEN = "Identity, unseen households"
TITLES = (FEBRL, *HOSPITALS.values(), SPARK, UNSEEN)
