"""ProactiveHealth's files: the columns of its 22 tables in order, how files are split, and the words of its columns.

Words that the data dictionary marks as proposed were never seen in the data; the others were.
"""

from __future__ import annotations

from collections.abc import Mapping

from his_adapters.layout import Column, columns, misspelled

PREFIX = "STG_EHP__"
"""Every file's name begins with it; the table's name follows, and the part's number where the table is split."""

_TABLES: Mapping[str, str] = {
    "PATN": """PAT_ID, F_NAME, L_NAME, M_NAME, GEN_CD, GEN_DES, DT_BRT, CON_NO, EM_ADD, EC_F_NAME, EC_L_NAME,
        EC_M_NAME, EC_CON_NO, B_TYPE, MAR_ST, NAT_ID_S, NAT_ID_T, NAT_ID_N, NAT_ID_E, INGST_TMSTMP""",
    "STFF": """STF_ID, F_NAME, L_NAME, M_NAME, GEN_CD, GEN_DES, DT_BRT, DEP_ID, ROLE_CD, ROLE_DES, CON_NO, EM_ADD,
        STAT_CD, STAT_DES, HIRE_DATE, ROLE_DATE, SAL_YR, SAL_MN, INGST_TMSTMP""",
    "DPMT": "DEP_ID, DEP_NAME, DEP_DES, DEP_LOC",
    "ROMS": "ROM_ID, DEP_ID, PRPS_CD, PRPS_DES, RTYPE_CD, RTYPE_DES, CPCT_NO",
    "APPT": "REFR_NO, PAT_ID, APT_TIME, CTD_ID, DOC_ID, ASTAT_CD, ASTAT_DES, ATYPE_CD, ATYPE_DES",
    "VIST": "REFR_NO, PAT_ID, MEDT_ID, VIS_EN, VIS_EX, VSTAT_CD, VSTAT_DES, VTYPE_CD, VTYPE_DES, ROM_ID",
    "DIAG": """REFR_NO, DIG_TOT, DIG_EN, DIG_SEQ, DIG_CD, DIG_DES, DSTAT_CD, DSTAT_DES, DTYPE_CD, DTYPE_DES,
        ROM_ID""",
    "TRTM": """REFR_NO, TRTM_TOT, TRTM_EN, TTYPE_CD, TTYPE_DES, TRTM_CD, TRTM_DES, TSTAT_CD, TSTAT_DES,
        TRTM_SEQ""",
    "MEDT": "MEDT_ID, TEAM_NO, STF_ID, ROLE_CD, ROLE_DES",
    "MDCN": """MED_ID, MED_NAME, TYPE_CD, TYPE_DES, FORM_CD, FORM_DES, STRN_NO, STRN_UN, STRG_CD, STRG_DES, FMQTY_NO,
        FMQTY_UN, MSTAT_CD, MSTAT_DES, EXP_MON, UN_P_CS, COST_UN""",
    "TMMD": """REFR_NO, MEDS_TOT, MEDS_SEQ, MED_ID, QTY_NO, DOS_CD, DOS_DES, FREQ_CD, FREQ_DES, RUTE_CD, RUTE_DES,
        UNIT_DOS""",
    "INSR": "POL_NO, PAT_ID, COM_NAME, ITYPE_CD, ITYPE_DES, POL_ST, POL_ED, ISTAT_CD, ISTAT_DES, CON_NO",
    "BILL": "REFR_NO, PAT_ID, BILL_DATE, BILL_AMT, BSTAT_CD, BSTAT_DES, BTYPE_CD",
    "MDBL": "REFR_NO, PAT_ID, BILL_DATE, BILL_AMT, BSTAT_CD, BSTAT_DES, BTYPE_CD",
    "PMNT": """REFR_NO, PAT_ID, BTYPE_CD, TOT_PMNT, PMNT_TMS, PMNT_NO, PMNT_DATE, PMNT_AMT, METH_CD, METH_DES,
        PSTAT_CD, PSTAT_DES, PMNT_IF""",
    "PTAL": "PAT_ID, ALG_ID, SVR_CD, SVR_DES, RCT_CD, RCT_DES",
    "ALGY": "ALG_ID, ALG_NAME",
    "EQPM": """EQP_ID, EQP_NAME, TYPE_CD, TYPE_DES, EQP_CAT_1, EQP_CAT_2, EQP_CAT_3, MODL_NO, STRG_LOC, ESTAT_CD,
        ESTAT_DES""",
    "SPLY": """SPL_ID, MAT_SKU, VEN_ACC, BTCH_NO, BTCH_SZ, MFG_DATE, SPL_QTY, SPL_UOM, SPL_UCT, WHS_LOC, PAL_ID,
        RCVD_DATE, RCVD_QTY, RCVD_STF, VRFC_DATE, VRFC_STF""",
    "INVN": """MAT_SKU, INGTN_TS, OPEN_QTY, OPEN_STF, RCVD_QTY, RCVD_STF, ISSD_QTY, ISSD_STF, CLSD_QTY, CLSD_STF,
        VRFC_STF""",
    "VNDR": """VEN_ACC, VEN_NAME, VEN_TYPE, LCNS_NO, CTRY_NAME, CTRY_CD, CTRY_CON_NO, VSTAT_CD, VSTAT_DES,
        INGST_TMSTMP""",
    "VPMT": """REFR_NO, SPL_ID, SPL_CST, PMNT_TRM, TRM_NO, VPMT_AMT, PMNT_DATE, PMNT_DUE, VPSTATUS_CD, VPSTATUS_DES,
        VEN_ACC, ACC_NO, WRE_NO""",
}

KEYS: Mapping[str, str] = {
    name: "SPL_ID" if name == "VPMT" else text.partition(",")[0] for name, text in _TABLES.items()
}
"""The column that a bad export may lose or repeat."""

_SEED = {name: columns(text) for name, text in _TABLES.items()}
_RESAVED = {
    "PATN": (*columns(_TABLES["PATN"] + ", AGE"), Column("Unnamed: 21", "TEXT", "unnamed")),
    "VIST": (*_SEED["VIST"], Column("Unnamed: 10", "TEXT", "unnamed")),
}
"""What a spreadsheet adds: an empty AGE, a column without a name."""


def _hostile(name: str) -> tuple[Column, ...]:
    """The table as a third party made it anew: respelled, and the birth date as in the ERD text."""
    made = misspelled(_SEED[name], KEYS[name])
    return tuple(Column("DOB", column.type, column.field) if column.field == "DT_BRT" else column for column in made)


TABLES: Mapping[str, Mapping[str, tuple[Column, ...]]] = {
    "seed": _SEED,
    "original": {**_SEED, **_RESAVED},
    "hostile": {name: _hostile(name) for name in _TABLES},
}
"""Profile to table to columns."""

FULL_PATIENTS = 351_765
"""Patients of the published set."""
ROWS: Mapping[str, int] = {
    "PATN": FULL_PATIENTS,
    "VIST": 917_331,
    "APPT": 974_032,
    "DIAG": 1_602_174,
    "TRTM": 917_191,
    "BILL": 917_331,
    "MDBL": 465_152,
    "INSR": 457_072,
    "PTAL": 644_303,
    "ALGY": 44,
    "MDCN": 346_302,
    "MEDT": 312_870,
    "STFF": 5_496,
    "DPMT": 30,
    "ROMS": 24_302,
    "EQPM": 10_190,
    "SPLY": 721_134,
    "VNDR": 13_562,
    "TMMD": 1_000_000,
    "PMNT": 1_200_000,
    "VPMT": 100_000,
    "INVN": 820_000,
}
"""Rows at the full size. The last four were never published; INVN is a hundredth of its 82 million."""
SPLITS: Mapping[str, int] = {"DIAG": 950_000, "TMMD": 205_000, "PMNT": 405_000, "INVN": 275_000}
"""Rows a file at the full size, of tables in several files; smaller stores have smaller files."""

DEPARTMENT_NUMBERS = (
    *(103, 104, 110, 119, 217, 223, 237, 256, 305, 337, 364, 369, 412, 418, 478),
    *(520, 526, 589, 624, 678, 681, 731, 742, 794, 802, 845, 859, 902, 913, 915),
)
DEPARTMENTS = (
    *("Anesthesiology", "Bariatric Surgery", "Cardiology", "Cardiothoracic Surgery", "Dermatology", "Emergency"),
    *("Endocrinology", "Gastroenterology", "Geriatrics", "Gynecology", "Hematology", "IT", "Infectious Diseases"),
    *("Intensive Care Unit", "Internal Medicine", "Nephrology", "Neurology", "Neurosurgery", "Oncology"),
    *("Ophthalmology", "Orthopedics", "Otolaryngology", "Pathology", "Pediatrics", "Psychiatry", "Radiology"),
    *("Reconstructive Surgery", "Rehabilitation", "Support", "Trauma Center"),
)
DIAGNOSES = (
    *("Addiction", "Allergy", "Autoimmune Disorders", "Cardiac Electrophysiology", "Cardiovascular", "Congenital"),
    *("Dermatology", "Endocrine", "Endoscopy", "Gastrointestinal", "Geriatrics", "Hematology", "Hepatic"),
    *("Immunology", "Infectious", "Metabolic Disorders", "Musculoskeletal", "Neurological", "Neuromuscular"),
    *("Obstetrics", "Oncology", "Ophthalmology", "Oral", "Otolaryngology", "Pain Management", "Palliative"),
    *("Pediatrics", "Preventive", "Psychiatric", "Radiology", "Reconstructive", "Renal", "Reproductive - Female"),
    *("Reproductive - Male", "Respiratory", "Sleep Disorders", "Occupational Health", "Toxicology", "Trauma"),
    "Urinary",
)
"""By DIG_CD; of these only 36 = Occupational Health was seen."""
DIAGNOSIS_STATUSES = ("Confirmed", "Recurrent", "Requires Surgery", "Confirmed - Follow-Up", "Suspected")
TREATMENTS = (
    *("Cardiovascular", "Respiratory", "Cancer", "Dental", "Dermatology", "Digestive", "ENT", "Endocrine"),
    *("Geriatric", "Hematology", "Hepatic", "Immunology", "Infectious", "Gastroenterology", "Musculoskeletal"),
    *("Neurological", "Obstetrics", "Hearing", "Orthopedic", "Pediatric", "Psychiatry", "Reproductive (Female)"),
    *("Reproductive (Male)", "Renal", "Rheumatology", "Spinal Cord", "Thyroid", "Urology", "Vision"),
)
"""By TRTM_CD."""
TREATMENT_TYPES = (
    *("Rehabilitation", "Pharmacological", "Psychological", "Surgical", "Prophylactic", "Critical", "Supportive"),
    *("Complementary", "Nutritional", "Transplantation"),
)
TREATMENT_STATUSES = (
    *("Planned", "On Hold", "Completed", "Partially Completed", "Declined", "Not Tolerated", "Failed"),
)
VISIT_STATUSES = ("Discharged", "Admitted", "Need Follow-Up")
VISIT_TYPES = ("Diagnosis", "Treatment")
APPOINTMENT_STATUSES = ("Completed", "No show", "Cancelled", "Scheduled")
BILL_STATUSES = (
    *("Insurance Covered 100%", "Insurance Covered 80%", "Insurance Covered 50%", "Insurance Denied"),
    *("Insurance Denied", "Pending Insurance Review", "Write-Off"),
)
ROLES = ("Doctor", "Nurse", "Surgeon", "Technician", "Pharmacist", "Administrator", "Support")
STAFF_STATUSES = ("Active", "On Leave", "Resigned", "Terminated")
ROOM_PURPOSES = ("Diagnosis", "Treatment", "Surgery", "Recovery")
ROOM_TYPES = ("Private", "Shared", "Ward", "ICU")
SEVERITIES = ("Mild", "Moderate", "Severe", "Anaphylaxis")
REACTIONS = ("Rash", "Hives", "Swelling", "Nausea", "Wheezing", "Itching")
ALLERGIES = (
    *("Penicillin", "Sulfa drugs", "Aspirin", "Latex", "Peanuts", "Shellfish", "Eggs", "Milk", "Pollen"),
    *("Dust mites", "Ibuprofen", "Codeine", "Iodine contrast", "Wheat", "Soy", "Tree nuts", "Fish", "Sesame"),
    *("Mold", "Cat dander", "Dog dander", "Bee venom", "Wasp venom", "Nickel", "Fragrance", "Formaldehyde"),
    *("Amoxicillin", "Cephalosporins", "Tetracycline", "Insulin", "Ragweed", "Grass", "Birch", "Cockroach"),
    *("Strawberries", "Kiwi", "Banana", "Corn", "Mustard", "Celery", "Lupin", "Sulfites", "Gelatin", "Adhesive tape"),
)
INSURANCE_TYPES = ("Medicare", "Medicaid", "Private", "Employer", "Family", "Travel", "Senior")
POLICY_STATUSES = ("Active", "Expired", "Cancelled", "Suspended")
PAYMENT_METHODS = ("debit", "cheque", "credit card", "bank transfer")
PAYMENT_STATUSES = ("Pending", "Completed", "Failed")
ID_TYPES = ("Passport", "License", "Green Card")
MEDICINE_TYPES = (
    *("Analgesic", "Anti-inflammatory", "Antibiotic", "Anticoagulant", "Anticonvulsant", "Antidepressant"),
    *("Antifungal", "Antihistamine", "Antihypertensive", "Antipsychotic", "Antipyretic", "Antiviral"),
    *("Cardiovascular", "Diuretic", "Immunosuppressant", "MuscleRelaxant", "Respiratory", "Steroid", "Vaccine"),
    "Vitamin",
)
MEDICINE_NAMES = (("At", "Wa", "Cor", "Vel", "Mir", "Zan", "Lu", "Tri"), ("cillin", "tervir", "dol", "mycin", "pril"))
MEDICINE_FORMS = ("Tablet", "Capsule", "Syrup", "Injection", "Ointment", "Inhaler")
MEDICINE_STATUSES = ("OTC", "RX", "HOLD", "BLOCKED", "DISCONT")
STORAGES = ("Room temperature", "Refrigerated", "Frozen")
DOSES = ("250 mg", "500 mg", "5 mL", "10 mL", "1 tablet", "2 tablets", "as directed")
FREQUENCIES = ("Once daily", "Twice daily", "Every 8 hours", "As needed")
ROUTES = ("Oral", "IV", "IM", "Subcutaneous", "Topical", "Inhalation")
DEVICES = ("Infusion pump", "Ventilator", "Defibrillator", "Ultrasound scanner", "Wheelchair", "Bed", "ECG monitor")
DEVICE_STATUSES = ("Active", "Inactive", "Hold", "Restrict", "Discont")
VENDOR_STATUSES = ("ACTIVE", "INACTIVE", "PENDING", "PROBATION", "SUSPENDED", "TERMINATED", "BLACKLISTED")
