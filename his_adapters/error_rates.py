"""How often each error occurs in a simulated store: one table, so that a test can prove that each one is hit.

Numbers are those of the defect lists in the sources' data dictionaries (see each adapter's README); 0 marks what no
list numbers. `seed` is a hospital on a good day, `original` the system as it was found, `hostile` a bad export.
Knows no store and no person.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Literal, NamedTuple, cast, get_args

Profile = Literal["seed", "original", "hostile"]
PROFILES: tuple[Profile, ...] = get_args(Profile)


class Rate(NamedTuple):
    """The share of the rows that could have an error which have it, by profile."""

    number: int
    """In the data dictionary's list; 0 where no list numbers it."""
    seed: float
    original: float
    hostile: float
    meaning: str


def _always(number: int, meaning: str) -> Rate:
    """The shape of the store itself."""
    return Rate(number, 1.0, 1.0, 1.0, meaning)


def _hostile(share: float, meaning: str) -> Rate:
    """What only a bad export does."""
    return Rate(0, 0.0, 0.0, share, meaning)


def _people(share: float, meaning: str) -> Rate:
    """What a registration desk does: the same in every profile."""
    return Rate(0, share, share, share, meaning)


_SQLITE_GENERAL = {
    "orphan_finance": Rate(1, 0.06, 1.0, 0.5, "a bill's patient or staff member is in no other table"),
    "appended_runs": Rate(2, 0.0, 1.0, 1.0, "the table was filled by several runs"),
    "number_like_ids": Rate(3, 0.036, 0.036, 0.036, "8 hex digits that read as an integer or a float, by chance"),
    "none_strings": Rate(4, 0.25, 0.25, 0.25, "the word None where nothing is meant"),
    "treating": Rate(5, 0.05, 0.2, 0.3, "severity 'treating'"),
    "status_contradiction": Rate(6, 0.05, 0.3, 0.5, "Discharged from an ICU bed, Critical and Mild"),
    "adult_sized_children": Rate(7, 0.3, 1.0, 1.0, "a child of 150 cm or more"),
    "gender_independent": Rate(8, 0.005, 0.5, 0.5, "the gender is drawn without a look at the first name"),
    "foreign_postcode": _always(9, "5-digit US postcodes under India; Ahmedabad, Delhi and Bidar in Maharashtra"),
    "no_stay_dates": _always(10, "no admission or discharge date anywhere"),
    "due_before_billing": Rate(11, 0.03, 0.43, 0.4, "due before it was billed"),
    "joined_before_18": Rate(12, 0.02, 0.11, 0.2, "staff who joined as children"),
    "shared_insurance_id": Rate(13, 0.01, 0.01, 0.1, "one insurance id on two people"),
    "bare_phones": _always(14, "13 digits, no country code"),
}

_RATES: dict[str, dict[str, Rate]] = {
    "population": {
        "repeated_registration": _people(0.02, "one person registered twice in one HIS"),
        "nickname": _people(0.06, "Liz for Elizabeth"),
        "other_spelling": _people(0.18, "another transliteration: Muhammad for Mohammed"),
        "given_typo": _people(0.015, "one slip in the given name"),
        "family_typo": _people(0.015, "one slip in the family name"),
        "swapped_names": _people(0.008, "family name in the given name's field"),
        "upper_case": _people(0.01, "names in capitals"),
        "no_diacritics": _people(0.3, "Jose for José"),
        "titled": _people(0.03, "Dr., Mrs."),
        "day_month_swapped": _people(0.008, "4 March for 3 April"),
        "year_off": _people(0.008, "a birth year one off"),
        "date_typo": _people(0.005, "one digit of the birth date"),
        "new_year_birth": _people(0.004, "1 January of the year: the day was not known"),
        "no_birth_date": _people(0.004, "left empty"),
        "wrong_sex": _people(0.004, "the other box was ticked"),
        "no_phone": _people(0.03, "left empty"),
        "no_email": _people(0.06, "left empty"),
        "no_address": _people(0.01, "left empty"),
        "no_contact": _people(0.02, "left empty"),
        "phone_typo": _people(0.01, "one digit of the phone"),
        "family_phone": _people(0.2, "the household's phone instead of one's own"),
        "family_email": _people(0.1, "the household's mailbox instead of one's own"),
        "newborn_placeholder": _people(0.25, "Baby Boy, in the one hospital where a child was born"),
        "other_insurer": _people(0.235, "a policy with another insurer than elsewhere"),
        "stranger_of_same_name": _people(0.02, "a single person named as a neighbour of the same sex"),
    },
    "hostile": {
        "foreign_ids": _hostile(0.4, "PAT00001, or digits only"),
        "duplicate_row": _hostile(0.02, "the row before, once more"),
        "duplicate_id": _hostile(0.01, "another row under the same id"),
        "no_id": _hostile(0.005, "no id at all"),
        "null_cell": _hostile(0.1, "an empty cell where the dictionary never has one"),
        "unparsable_date": _hostile(0.08, "31/02/2020, 0000-00-00, tomorrow"),
        "number_as_text": _hostile(0.1, "'170 cm', '1,234.50', NaN"),
        "absurd_length": _hostile(0.005, "a cell of 70,000 characters"),
        "control_characters": _hostile(0.04, "NUL, bell, escape, an unpaired surrogate's replacement"),
        "untrimmed": _hostile(0.05, "blanks and line breaks around and inside a cell"),
        "wrong_bytes": _hostile(0.03, "cp1252 bytes where UTF-8 is said"),
        "unknown_code": _hostile(0.06, "a word outside the dictionary's domain"),
    },
    "his_a": {
        **_SQLITE_GENERAL,
        "covered_as_amount": Rate(0, 0.2, 0.0, 0.4, "insurance_covered holds an amount instead of Yes or No"),
    },
    "his_b": {
        "none_strings": Rate(1, 0.25, 0.25, 0.25, "the word None where nothing is meant"),
        "treating": Rate(2, 0.05, 0.2, 0.3, "severity 'treating'"),
        "number_like_ids": Rate(3, 0.036, 0.036, 0.036, "8 hex digits that read as an integer or a float, by chance"),
        "orphan_finance": Rate(4, 0.06, 1.0, 0.5, "a bill's patient or staff member is in no other file"),
        "due_before_billing": Rate(5, 0.03, 0.27, 0.4, "due before it was billed (the seed's shape has no due date)"),
        "id_when_not_claimed": _always(6, "insurance_id is filled when nothing was claimed"),
        "joined_before_18": Rate(
            7, 0.02, 0.18, 0.3, "staff who joined as children (the seed's shape has no such date)"
        ),
        "bp_one_string": _always(8, "120/80 in one string"),
        "hb_without_unit": _always(9, "haemoglobin as a bare number"),
        "scalar_allergies": Rate(10, 0.3, 1.0, 0.5, "one word where a list is expected"),
        "broken_branch": Rate(11, 0.004, 0.0, 0.1, "contact: null, insurance: {}"),
        "numbers_as_strings": Rate(12, 0.02, 0.0, 0.3, '"hb": "15.2"'),
        "byte_order_mark": Rate(13, 0.0, 0.0, 1.0, "staff.json starts with a BOM"),
        "json_lines": Rate(14, 0.0, 0.0, 1.0, "finance.json has one object a line"),
        "titled_contact": Rate(15, 0.05, 0.05, 0.2, "Mrs. Kathleen Brown MD"),
        "bad_bp": Rate(0, 0.01, 0.0, 0.1, "a blood pressure that does not parse"),
        "shift_object": Rate(0, 0.2, 0.0, 0.5, "shift_timing as an object"),
    },
    "his_c": {
        "lost_zeros": Rate(
            1, 0.01, 0.0, 0.1, "phones that went through a spreadsheet; phones and ids that start with 0"
        ),
        "none_strings": Rate(2, 0.25, 0.25, 0.25, "the word None where nothing is meant"),
        "newline_in_cell": Rate(3, 0.9, 0.95, 0.95, "staff addresses of two lines"),
        "mojibake": Rate(4, 0.005, 0.0, 0.15, "a dash or quote that was read as cp1252, or cp1252 bytes in the file"),
        "broken_specialty": Rate(5, 0.05, 0.09, 0.2, "a specialty that starts with a dash"),
        "male_gynecology": Rate(6, 0.02, 0.5, 0.5, "male patients of gynecology"),
        "icu_bed": Rate(7, 0.05, 0.33, 0.33, "ICU beds in a skincare clinic"),
        "titled_name": Rate(8, 0.04, 0.04, 0.2, "Dr. or MD in a one-cell name"),
        "claim_on_cash": _always(9, "a claim id on cash rows"),
        "orphan_finance": Rate(10, 0.06, 1.0, 0.5, "a bill's patient or staff member is in no other file"),
        "past_deadline": Rate(11, 0.3, 0.6, 0.6, "time_bound before today"),
        "python_text": Rate(12, 0.5, 0.0, 0.6, "{'name': \"Pat O'Neil\", 'relation': None}: Python's text, not JSON"),
        "json_text": Rate(0, 0.3, 0.0, 0.2, "JSON text in a cell"),
        "short_specialty": Rate(0, 0.3, 0.0, 0.3, "skincare, haircare, eye care"),
        "broken_cell": Rate(0, 0.0, 0.0, 0.05, "dict text cut off half way, or nested a thousand deep"),
    },
    "his_d": {
        "country_in_parentheses": Rate(1, 0.02, 0.02, 0.1, "Holy See (Vatican City State)"),
        "packed_contact": Rate(2, 0.5, 0.5, 0.7, "phones with extensions and prefixes before the e-mail"),
        "commas_in_certification": Rate(3, 0.4, 0.4, 0.6, "job, company with commas"),
        "second_email": _always(4, "staff have another address in contact (the seed's shape has one)"),
        "stage_without_cancer": Rate(5, 0.1, 1.0, 1.0, "a stage on flu or a fracture"),
        "cancer_protocol_without_cancer": Rate(6, 0.05, 0.4, 0.5, "chemotherapy for flu"),
        "protocol_contradicts_need": Rate(7, 0.05, 0.08, 0.3, "protocol Surgery, surgery not required"),
        "sensitive_history": Rate(8, 0.1, 0.33, 0.4, "HIV or TB in the history"),
        "treating": Rate(9, 0.05, 0.2, 0.3, "severity 'treating'"),
        "department_contradicts_disease": Rate(10, 0.1, 0.8, 0.8, "flu in radiotherapy"),
        "followup_in_the_past": Rate(11, 0.2, 0.67, 0.6, "a follow-up date that is over"),
        "appended_runs": Rate(12, 0.0, 1.0, 1.0, "the table was filled by several runs"),
        "orphan_finance": Rate(13, 0.06, 1.0, 0.5, "a bill's patient is in no other table"),
        "number_like_ids": Rate(14, 0.036, 0.036, 0.036, "8 hex digits that read as an integer or a float, by chance"),
        "claim_above_charges": Rate(15, 0.03, 0.13, 0.3, "more claimed than charged"),
        "state_of_another_country": Rate(16, 0.02, 1.0, 0.5, "East Timfurt, Nevada, Estonia"),
        "experience_above_age": Rate(17, 0.01, 0.1, 0.2, "more years of experience than of life"),
        "titled_name": Rate(0, 0.04, 0.04, 0.2, "Dr. or MD in a one-cell name"),
        "gender_independent": Rate(0, 0.005, 0.5, 0.5, "the gender is drawn without a look at the first name"),
    },
    "central_records": {
        "report_before_visit": Rate(1, 0.02, 0.5, 0.5, "a report is dated before its visit"),
        "visit_before_birth": Rate(2, 0.02, 0.24, 0.6, "a visit before the patient's birth, of those who are young"),
        "result_of_any_test": Rate(3, 0.02, 1.0, 1.0, "the result is drawn without a look at the test"),
        "reason_of_any_doctor": Rate(4, 0.3, 1.0, 1.0, "reason and kind of visit are any, whoever the doctor is"),
        "shared_name": Rate(5, 0.002, 0.002, 0.1, "two doctors of one name; patients have namesakes by chance"),
        "hospital_is_a_word": _always(6, "a hospital is a doctor's cell; visits name none"),
        "orphans": Rate(7, 0.0, 0.0, 0.1, "a visit's patient or doctor, a report's visit is in no other table"),
        "gender_outside_domain": Rate(8, 0.002, 0.0, 0.1, "Other, a word that is no gender, or nothing"),
    },
    "chirona": {
        "cut_user_name": _always(1, "logins longer than CHAR(10) are cut"),
        "availability_by_default": Rate(2, 0.0, 1.0, 0.3, "rooms were loaded without their availability"),
        "sequences_behind": _always(3, "SERIAL ids were inserted, so the next INSERT collides"),
        "blank_padding": _always(4, "CHAR(10) is padded with blanks"),
        "no_birth_date": Rate(5, 0.0, 1.0, 0.5, "patients without a birth date"),
        "no_country_code": _always(6, "phones of eleven digits, without a country code"),
        "completed_without_result": Rate(7, 0.02, 0.1, 0.3, "a completed test without a result"),
        "result_before_test": Rate(8, 0.01, 0.05, 0.3, "a result of a test that is scheduled or cancelled"),
        "without_admission": Rate(9, 0.4, 0.5, 0.6, "treatments without admission, and admissions without treatment"),
        "charged_twice": Rate(10, 0.01, 0.05, 0.3, "one treatment in several invoices"),
        "sum_differs": Rate(11, 0.01, 0.1, 0.5, "what the tests and treatments cost is not the invoice's amount"),
        "no_amount_paid": _always(12, "payments have no amount"),
        "paid_in_parts": Rate(13, 0.1, 0.2, 0.4, "several payments of one invoice"),
        "paid_by_another": Rate(14, 0.02, 0.1, 0.3, "paid by another patient than the invoice's"),
        "doctor_by_table_only": Rate(15, 0.0, 0.05, 0.3, "a row of Doctor for staff of another role"),
        "null_reference": Rate(16, 0.004, 0.03, 0.1, "a foreign key is NULL"),
        "wrong_weekday": Rate(17, 0.01, 0.05, 0.3, "the weekday contradicts the date"),
        "ends_before_start": Rate(18, 0.01, 0.03, 0.2, "an appointment ends before it starts"),
        "doctor_booked_twice": Rate(19, 0.02, 0.05, 0.3, "two appointments of one doctor overlap"),
        "room_booked_twice": Rate(20, 0.03, 0.1, 0.4, "two admissions to one room overlap"),
        "assigned_twice": Rate(21, 0.01, 0.05, 0.3, "one person assigned twice to one shift"),
    },
    "proactive_health": {
        "shared_number": Rate(1, 0.0135, 0.0135, 0.1, "a visit's number that another visit has, mostly a stranger's"),
        "walk_in_number": Rate(2, 0.655, 0.655, 0.655, "W4723062, E8063843: a visit that has no appointment"),
        "overlapping_stays": _always(3, "stays of up to 201 days, whatever else the patient has: 45 % overlap"),
        "planned_exit": _always(4, "the exit of who is still admitted"),
        "odd_date": Rate(5, 0.0, 0.002, 0.1, "05-09-2012, 10-02-0035, 00-03-2008, a birth that is still to come"),
        "null_word": Rate(5, 0.002, 0.02, 0.1, "the word NULL in a middle name"),
        "code_contradicts": Rate(6, 0.002, 0.01, 0.2, "a code that means another word than the one beside it"),
        "repeated_room": Rate(7, 0.00016, 0.00016, 0.3, "one ROM_ID in two departments"),
        "no_room": Rate(8, 0.27, 0.27, 0.27, "a visit without a room"),
        "type_without_class": _always(9, "visits are Diagnosis or Treatment, never inpatient or outpatient"),
        "total_is_count": _always(10, "DIG_TOT, TRTM_TOT and MEDS_TOT are numbers of rows, not sums"),
        "codes_as_decimals": Rate(11, 1.0, 1.0, 1.0, "36 in the first file of DIAG, 36.0 in the second"),
        "anaphylaxis": Rate(12, 0.25, 0.25, 0.25, "a reaction where a severity is meant"),
        "billed_without_policy": _always(13, "an insurer's answer on visits that no active policy covers"),
        "long_stock": _always(14, "INVN has a row a day and material"),
        "foreign_shape": Rate(15, 0.0, 0.0, 1.0, "PAT00001, DOB, codes such as COM, GEN_CD M beside Female"),
        "other_gender": Rate(0, 0.005, 0.33, 0.33, "Other, drawn without a look at the first name"),
        "same_start": Rate(0, 0.0, 0.0, 0.02, "two visits of one number that begin in the same second"),
        "lost_visit": Rate(0, 0.0, 0.0, 0.01, "a diagnosis of a visit that no row tells"),
        "broken_row": Rate(0, 0.0, 0.0, 0.004, "a cell too many"),
    },
    "hybrid_ehr": {
        "free_text_gender": Rate(1, 0.1, 0.4, 0.5, "Male, M, f, nonbinary, nothing"),
        "free_text_status": Rate(1, 0.02, 0.2, 0.5, "Scheduled, canceled, done, nothing"),
        "no_birth_date": Rate(2, 0.01, 0.05, 0.2, "date_of_birth is NULL"),
        "wrong_uuid": Rate(3, 0.004, 0.02, 0.1, "a note without record_uuid, or with one cut off"),
        "another_patients_record": Rate(4, 0.006, 0.02, 0.1, "a note whose record is another patient's"),
        "deleted_record": Rate(5, 0.008, 0.02, 0.1, "a note whose record was deleted with its patient"),
        "several_notes": Rate(6, 0.1, 0.2, 0.3, "two notes of one record"),
        "second_record": Rate(7, 0.05, 0.1, 0.2, "two records of one appointment"),
        "deleted_appointment": Rate(8, 0.03, 0.1, 0.2, "a record whose appointment was deleted"),
        "fahrenheit": Rate(9, 0.5, 0.5, 0.5, "a temperature without a unit, in degrees Fahrenheit"),
        "odd_pressure": Rate(10, 0.1, 0.3, 0.5, "a blood pressure as a list, an object, with its unit, or unreadable"),
        "number_as_text": Rate(11, 0.1, 0.2, 0.3, "the number of the patient as text"),
        "text_id": Rate(12, 0.05, 0.1, 0.3, "a text for an ObjectId"),
        "naive_time": Rate(13, 0.05, 0.1, 0.3, "a time as text without a zone"),
        "relative_file": Rate(14, 0.3, 0.5, 0.5, "an attachment by a relative path or on a server that is gone"),
        "odd_amount": Rate(15, 0.01, 0.05, 0.2, "a bill over nothing or less than nothing"),
        "paid_unknown": Rate(16, 0.02, 0.1, 0.2, "paid is NULL"),
        "repeated_email": Rate(17, 0.02, 0.1, 0.2, "the e-mail address of the patient before"),
        "older_shape": Rate(0, 0.2, 0.4, 0.4, "observations as a list of type, value and time"),
        "empty_note": Rate(0, 0.05, 0.1, 0.1, "no observations at all"),
        "no_patient_uuid": Rate(0, 0.02, 0.3, 0.3, "a patient of the time before patient_uuid"),
        "no_status": Rate(0, 0.01, 0.05, 0.1, "an appointment's status is NULL"),
        "appointment_of_another": Rate(0, 0.005, 0.02, 0.1, "a record linked to another patient's appointment"),
    },
}

RATES: Mapping[str, Rate] = {f"{where}.{name}": rate for where, rates in _RATES.items() for name, rate in rates.items()}
"""`his_a.orphan_finance` and so on."""


class Dice:
    """Throws for the errors of one part of the table in one profile. Deterministic for a given `rng`."""

    __slots__ = ("_shares", "rng")

    def __init__(self, part: str, profile: str, rng: Random) -> None:
        if profile not in PROFILES:
            raise ValueError(f"no profile {profile!r}; valid: {', '.join(PROFILES)}")
        self.rng = rng
        self._shares = {name: cast("float", getattr(rate, profile)) for name, rate in _RATES[part].items()}

    def hit(self, name: str) -> bool:
        """Whether the error strikes now."""
        return self.rng.random() < self._shares[name]

    def knows(self, name: str) -> bool:
        """Whether the part of the table has such an error at all."""
        return name in self._shares

    def share(self, name: str) -> float:
        """The error's rate."""
        return self._shares[name]
