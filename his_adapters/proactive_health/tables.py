"""ProactiveHealth's tables: what their rows are, their keys, and which other tables a row is told with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args, get_type_hints

from his_adapters.proactive_health.records import (
    AllergenRow,
    AppointmentRow,
    BillRow,
    DepartmentRow,
    DeviceRow,
    DiagnosisRow,
    GivenRow,
    MedicineRow,
    MemberRow,
    PatientAllergyRow,
    PatientRow,
    PaymentRow,
    PolicyRow,
    RoomRow,
    StaffRow,
    StockRow,
    SupplyRow,
    TreatmentRow,
    VendorPaymentRow,
    VendorRow,
    VisitRow,
)
from his_adapters.tabular import Dataset


@dataclass(frozen=True, slots=True)
class Table:
    """One table: how its rows load, and which of the fields are the row's key."""

    dataset: Dataset
    keys: tuple[str, ...]
    """A part that is not there is told as `-`."""
    needs: tuple[str, ...] = ()
    """The tables whose rows decide what a row of this one is told with."""
    optional: frozenset[str] = frozenset()
    """The fields of the key that may be absent."""
    skipped: str = ""
    """Why no row of it is told, only counted; "" = they are."""


def _table(name: str, row: type, *keys: str, needs: str = "", skipped: str = "", **aliases: str) -> Table:
    dataset = Dataset(name, keys[0], row, aliases)
    hints = get_type_hints(row)
    optional = frozenset(key for key in keys if type(None) in get_args(hints[key]))
    return Table(dataset, keys, tuple(needs.split()), optional, skipped)


TABLES = (
    _table("DPMT", DepartmentRow, "dep_id"),
    _table("VNDR", VendorRow, "ven_acc"),
    _table("STFF", StaffRow, "stf_id", needs="DPMT", dob="dt_brt"),
    _table("ROMS", RoomRow, "rom_id", "dep_id"),
    _table("MDCN", MedicineRow, "med_id"),
    _table("EQPM", DeviceRow, "eqp_id"),
    _table("ALGY", AllergenRow, "alg_id"),
    _table("PATN", PatientRow, "pat_id", dob="dt_brt"),
    _table("PTAL", PatientAllergyRow, "pat_id", "alg_id", needs="ALGY"),
    _table("INSR", PolicyRow, "pol_no", "pat_id"),
    _table("APPT", AppointmentRow, "refr_no", "pat_id"),
    _table("MEDT", MemberRow, "medt_id", "stf_id", needs="MEDT"),
    _table("VIST", VisitRow, "refr_no", "pat_id", "vis_en", needs="MEDT ROMS DPMT"),
    _table("DIAG", DiagnosisRow, "refr_no", "dig_en", "dig_seq", needs="VIST BILL MDBL APPT"),
    _table("TRTM", TreatmentRow, "refr_no", "trtm_en", "trtm_seq", needs="VIST BILL MDBL APPT"),
    _table("TMMD", GivenRow, "refr_no", "meds_seq", needs="VIST BILL MDBL APPT"),
    _table("BILL", BillRow, "refr_no", "pat_id", needs="VIST INSR"),
    _table("MDBL", BillRow, "refr_no", "pat_id", needs="VIST INSR"),
    _table("PMNT", PaymentRow, "refr_no", "pat_id", "btype_cd", "pmnt_no"),
    _table("SPLY", SupplyRow, "spl_id", needs="MDCN EQPM"),
    _table("INVN", StockRow, "mat_sku", skipped="FHIR R4 has no resource for a day's stock of a material"),
    _table("VPMT", VendorPaymentRow, "refr_no", skipped="FHIR R4 has no resource for what is paid to a vendor"),
)
"""Those that others refer to come first, so that references resolve in one pass."""
