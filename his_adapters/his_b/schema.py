"""HIS_B's files and ids. Its objects are built in `simulator`: JSON has no columns to declare."""

from __future__ import annotations

from his_adapters.native_keys import hex_id

STAFF_ID = hex_id("S", 7)
TRANSACTION_ID = hex_id("T", 7)
FILES = ("patients", "staff", "finance")
"""Each is `<name>.json`, one array of objects."""
ALLERGIES = ("Penicillin", "Dust", "Peanuts")
SHIFT_HOURS = {"Morning": ("08:00", "16:00"), "Evening": ("16:00", "00:00"), "Night": ("00:00", "08:00")}
