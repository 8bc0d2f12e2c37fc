"""One FHIR R4 API over many hospital information systems."""

__version__ = "0.1.0"
