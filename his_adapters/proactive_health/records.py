"""ProactiveHealth's rows in its own words, what a row is told with, and under which spellings its columns are known.

A row that belongs to a visit comes with the visit it was found to be of, one that pays comes with the policies: the
adapter joins, because only the store can say whose a row is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, NamedTuple

from his_adapters.proactive_health.fields import ClockTime, Code, Number, SpreadsheetDate, Word

_Word = Annotated[str | None, Word(allow_none=True)]
_Code = Annotated[str | None, Code(allow_none=True)]
_Number = Annotated[str, Number(required=True)]
_Day = Annotated[date | None, SpreadsheetDate(allow_none=True)]
_Time = Annotated[str | None, ClockTime(allow_none=True)]
_Start = Annotated[str, ClockTime(required=True)]


@dataclass(frozen=True, slots=True)
class PatientRow:
    """PATN."""

    pat_id: str
    f_name: _Word
    l_name: _Word
    m_name: _Word
    gen_cd: _Code
    gen_des: _Word
    dt_brt: _Day
    con_no: _Word
    em_add: _Word
    ec_f_name: _Word
    ec_l_name: _Word
    ec_m_name: _Word
    ec_con_no: _Word
    b_type: _Word
    mar_st: _Word
    nat_id_s: _Word
    nat_id_t: _Word
    nat_id_n: _Word
    nat_id_e: _Day


@dataclass(frozen=True, slots=True)
class StaffRow:
    """STFF."""

    stf_id: str
    f_name: _Word
    l_name: _Word
    m_name: _Word
    gen_cd: _Code
    gen_des: _Word
    dt_brt: _Day
    dep_id: _Word
    role_cd: _Code
    role_des: _Word
    con_no: _Word
    em_add: _Word
    stat_cd: _Code
    stat_des: _Word
    role_date: _Day


@dataclass(frozen=True, slots=True)
class DepartmentRow:
    """DPMT."""

    dep_id: str
    dep_name: _Word
    dep_des: _Word
    dep_loc: _Word


@dataclass(frozen=True, slots=True)
class RoomRow:
    """ROMS. Four ROM_ID occur twice: a room is known by its department too."""

    rom_id: str
    dep_id: str
    prps_des: _Word
    rtype_des: _Word
    cpct_no: int | None


@dataclass(frozen=True, slots=True)
class AppointmentRow:
    """APPT."""

    refr_no: _Number
    pat_id: str
    apt_time: _Time
    ctd_id: _Word
    """Who booked it."""
    doc_id: _Word
    astat_des: _Word
    atype_des: _Word


@dataclass(frozen=True, slots=True)
class VisitRow:
    """VIST. Its number is not unique; with patient and start it is."""

    refr_no: _Number
    pat_id: str
    vis_en: _Start
    vis_ex: _Time
    medt_id: _Word
    vstat_cd: _Code
    vstat_des: _Word
    vtype_des: _Word
    rom_id: _Word


@dataclass(frozen=True, slots=True)
class DiagnosisRow:
    """DIAG. DIG_TOT is the number of the visit's diagnoses."""

    refr_no: _Number
    dig_seq: str
    dig_en: _Time
    dig_cd: _Code
    dig_des: _Word
    dstat_des: _Word
    dtype_des: _Word


@dataclass(frozen=True, slots=True)
class TreatmentRow:
    """TRTM. TRTM_TOT is the number of the visit's treatments."""

    refr_no: _Number
    trtm_seq: str
    trtm_en: _Time
    ttype_des: _Word
    trtm_cd: _Code
    trtm_des: _Word
    tstat_cd: _Code
    tstat_des: _Word


@dataclass(frozen=True, slots=True)
class MemberRow:
    """MEDT: one member of a medical team."""

    medt_id: str
    stf_id: str
    role_des: _Word


@dataclass(frozen=True, slots=True)
class MedicineRow:
    """MDCN."""

    med_id: str
    med_name: _Word
    type_des: _Word
    form_des: _Word
    strn_no: Decimal | None
    strn_un: _Word
    fmqty_no: Decimal | None
    fmqty_un: _Word
    mstat_des: _Word


@dataclass(frozen=True, slots=True)
class GivenRow:
    """TMMD: a medicine of a visit. Neither patient nor time."""

    refr_no: _Number
    meds_seq: str
    med_id: _Word
    qty_no: Decimal | None
    dos_des: _Word
    freq_des: _Word
    rute_des: _Word
    unit_dos: Decimal | None


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """INSR."""

    pol_no: str
    pat_id: str
    com_name: _Word
    itype_des: _Word
    pol_st: _Day
    pol_ed: _Day
    istat_des: _Word
    con_no: _Word


@dataclass(frozen=True, slots=True)
class BillRow:
    """BILL and MDBL."""

    refr_no: _Number
    pat_id: str
    bill_date: _Time
    bill_amt: Decimal
    bstat_cd: _Code
    bstat_des: _Word
    btype_cd: _Code


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """PMNT: one instalment."""

    refr_no: _Number
    pat_id: str
    btype_cd: str
    pmnt_no: str
    pmnt_tms: _Word
    pmnt_date: _Day
    pmnt_amt: Decimal
    meth_des: _Word
    pstat_des: _Word
    pmnt_if: _Word


@dataclass(frozen=True, slots=True)
class PatientAllergyRow:
    """PTAL."""

    pat_id: str
    alg_id: str
    svr_des: _Word
    rct_des: _Word


@dataclass(frozen=True, slots=True)
class AllergenRow:
    """ALGY."""

    alg_id: str
    alg_name: _Word


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """EQPM."""

    eqp_id: str
    eqp_name: _Word
    type_des: _Word
    eqp_cat_1: _Word
    eqp_cat_2: _Word
    eqp_cat_3: _Word
    modl_no: _Word
    strg_loc: _Word
    estat_des: _Word


@dataclass(frozen=True, slots=True)
class VendorRow:
    """VNDR."""

    ven_acc: str
    ven_name: _Word
    ven_type: _Word
    lcns_no: _Word
    ctry_name: _Word
    ctry_con_no: _Word
    vstat_des: _Word


@dataclass(frozen=True, slots=True)
class SupplyRow:
    """SPLY. MAT_SKU is a medicine's or a device's id."""

    spl_id: str
    mat_sku: _Word
    ven_acc: _Word
    btch_no: _Word
    spl_qty: Decimal | None
    spl_uom: _Word
    whs_loc: _Word
    rcvd_date: _Day
    rcvd_qty: Decimal | None
    rcvd_stf: _Word


@dataclass(frozen=True, slots=True)
class StockRow:
    """INVN: a day of one material's stock."""

    mat_sku: str


@dataclass(frozen=True, slots=True)
class VendorPaymentRow:
    """VPMT."""

    refr_no: str


class Visit(NamedTuple):
    """Which visit a row belongs to: the visit's whole key, and its end."""

    refr_no: str
    pat_id: str
    vis_en: str
    vis_ex: str | None


class Room(NamedTuple):
    """A room as another table's rows refer to it."""

    rom_id: str
    dep_id: str


class Member(NamedTuple):
    """A member of a medical team."""

    stf_id: str
    role: str | None


class Policy(NamedTuple):
    """A policy that was active when a visit began."""

    pol_no: str
    com_name: str | None


@dataclass(frozen=True, slots=True)
class Employed:
    """A member of staff with their department's name."""

    row: StaffRow
    department: str | None


@dataclass(frozen=True, slots=True)
class Stay:
    """A visit with its team, and its room where ROM_ID leads to one."""

    row: VisitRow
    room: Room | None
    department: str | None
    """Of the room."""
    team: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class OfVisit:
    """A diagnosis, treatment or medicine with the visit it was found to be of."""

    row: Any
    visit: Visit


@dataclass(frozen=True, slots=True)
class Team:
    """A member's row; the first row of a team has all its members, the others none."""

    row: MemberRow
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Reacting:
    """A patient's allergy with what it is to."""

    row: PatientAllergyRow
    allergen: str | None


@dataclass(frozen=True, slots=True)
class Billed:
    """A bill with its visit and the policies of its patient that were active when the visit began."""

    row: BillRow
    visit: Visit | None
    """None where no visit of this number is the patient's, or several are."""
    is_contradicted: bool
    """The visits of this number are other patients'."""
    policies: tuple[Policy, ...]


@dataclass(frozen=True, slots=True)
class Supplied:
    """A delivery with what kind of material it is of."""

    row: SupplyRow
    material: str | None
    """`MDCN` or `EQPM`, where one of them has the MAT_SKU."""
