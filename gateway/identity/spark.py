"""Blocking, comparing and weighing on Apache Spark, through Splink: for more records than one machine compares.

The same pairs, levels and weights as DuckDB finds with the same model; no model is trained. What is linked or asked
follows from them as in `batch`. Needs the optional extra `spark` and Java.

https://moj-analytical-services.github.io/splink/topic_guides/splink_fundamentals/backends/backends.html
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from rapidfuzz.distance import JaroWinkler

from gateway.identity.decide import POSSIBLE
from gateway.identity.flat import CELLS, LARGEST_BLOCK, NAMES, Blocking, column, forms_of, name_of, rows
from gateway.identity.forms import COLUMNS
from gateway.identity.model import Model, from_json
from gateway.identity.scoring import Scorer
from gateway.identity.spellings import Named
from gateway.identity.splink_settings import JARO_WINKLER, in_spark, listed, settings, weighed
from gateway.identity.traits import Traits
from gateway.identity.weighed import Engine, Link, Steps, Weighed, choice, judged, link_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_LOOPBACK = "127.0.0.1"
_SILENT = """appender.none.type = Null
appender.none.name = none
rootLogger.level = off
rootLogger.appenderRef.none.ref = none
"""
"""Without an appender Spark takes its own configuration, which logs to stderr."""


class SparkUnavailableError(Exception):
    """What Spark needs is not installed; the message says what."""


def demand_spark() -> None:
    """Raises SparkUnavailableError."""
    if missing := [name for name in ("splink", "pyspark") if find_spec(name) is None]:
        raise SparkUnavailableError(f"{' and '.join(missing)}: not installed (pip install 'fhir-gateway[spark]')")
    home = os.environ.get("JAVA_HOME")
    if not (Path(home, "bin", "java").exists() if home else shutil.which("java")):
        raise SparkUnavailableError("Spark needs Java 17 or newer (on Debian: apt-get install openjdk-17-jre-headless)")


@contextmanager
def spark_session(folder: Path) -> Iterator[SparkSession]:
    """Spark as $SPARK_CONF_DIR says; or else within this machine, on all cores, reached over loopback alone.

    What it keeps on disk is in the folder. It logs nothing: a value may be in it. Raises SparkUnavailableError.
    """
    demand_spark()
    from pyspark.sql import SparkSession  # the extra, and slow to import
    from splink.backends.spark import similarity_jar_location

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    silence = folder / "log4j2.properties"
    silence.write_text(_SILENT)
    configured = {
        "spark.jars": similarity_jar_location(),
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={silence.as_uri()}",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
    }
    if "SPARK_CONF_DIR" not in os.environ:
        configured |= {
            "spark.master": "local[*]",
            "spark.driver.host": _LOOPBACK,
            "spark.driver.bindAddress": _LOOPBACK,
            "spark.local.dir": str(folder / "spark"),
            "spark.sql.shuffle.partitions": str(2 * (os.cpu_count() or 1)),
        }
    session = SparkSession.builder.config(map=configured).getOrCreate()
    try:
        yield session
    finally:
        session.stop()


def on_spark(session: SparkSession, folder: Path) -> Engine:
    """An engine for `batch.link_all`, which needs a model: none is trained here.

    The folder is read and written by all of Spark's machines. The session has Splink's jar.
    """
    return partial(_weighed, session, folder)


def _weighed(
    session: SparkSession, folder: Path, people: Iterable[Traits], model: Model | None, _: Model | None, steps: Steps
) -> Weighed:
    if model is None:
        raise ValueError("no model is trained on Spark; name one")
    logging.getLogger("splink").setLevel(logging.ERROR)
    steps.begin("read")
    file = folder / "people.ndjson"
    with file.open("wb") as out:
        out.writelines(orjson.dumps(dict(zip(CELLS, row, strict=True))) + b"\n" for row in rows(people, model.common))
    source_of, names = _tables(session, file)
    steps.begin("block")
    blocking = _blocking(session, len(source_of))
    steps.begin("score")
    among = choice(model, len(source_of))
    links = judged(chain(_of_flat(session, model, among, folder), _of_several(session, model, among)))
    return Weighed(model, links, source_of, names, blocking)


def _tables(session: SparkSession, file: Path) -> tuple[dict[str, str], dict[str, Named]]:
    """Make the views `people`, a row each, and `members`: who has which key, of those that are not too many's.

    Returns the source of each record, and what it calls its person. Raises ValueError when an id comes twice.
    """
    read = session.read.schema(", ".join(f"{name} STRING" for name in CELLS)).json(str(file))
    read.createOrReplaceTempView("cells")
    columns = ", ".join(in_spark(column(name)) for name in COLUMNS)
    views = {
        "people": f"SELECT id, source, several, keys, {columns} FROM cells",  # noqa: S608 - names of our own columns
        "every_key": r"""SELECT id, several <> '' AS several, explode(split(keys, '\\x1f')) AS key
                         FROM people WHERE keys <> ''""",
        "block": "SELECT key, count(*) AS n FROM every_key GROUP BY key HAVING n > 1",
        "members": f"""SELECT key, id, several FROM every_key JOIN block USING (key)
                       WHERE n <= {LARGEST_BLOCK}""",  # noqa: S608 - a number
    }
    for name, made in views.items():
        session.sql(made).createOrReplaceTempView(name)
    source_of: dict[str, str] = {}
    names: dict[str, Named] = {}
    for record, source, *name in session.sql(NAMES).toLocalIterator():
        if record in source_of:
            raise ValueError("a record's id comes twice")
        source_of[record], names[record] = source, name_of(*name)
    return source_of, names


def _blocking(session: SparkSession, records: int) -> Blocking:
    ((pairs, paired, overflows),) = session.sql(
        f"""SELECT (SELECT count(*) FROM (SELECT DISTINCT one.id, two.id FROM members one JOIN members two
                                          ON one.key = two.key AND one.id < two.id)),
                   (SELECT count(DISTINCT id) FROM members),
                   (SELECT count(*) FROM block WHERE n > {LARGEST_BLOCK})"""  # noqa: S608 - a number
    ).collect()
    return Blocking(records, pairs, records - paired, overflows)


def _of_flat(session: SparkSession, model: Model, records: int, folder: Path) -> Iterator[Link]:
    """Of records with one form of each part: Splink compares them."""
    from pyspark.sql.types import DoubleType
    from splink import Linker, SettingsCreator, SparkAPI

    session.sparkContext.setCheckpointDir(str(folder / "splink"))
    database = SparkAPI(spark_session=session)
    session.udf.register(JARO_WINKLER, _jaro_winkler, DoubleType())
    flat = session.sql(
        f"""SELECT id, {", ".join(COLUMNS)}, coalesce(shared.keys, array()) AS keys FROM people
            LEFT JOIN (SELECT id, collect_list(key) AS keys FROM members WHERE NOT several GROUP BY id) shared
            USING (id)
            WHERE several = ''"""  # noqa: S608 - names of our own columns
    )
    linker = Linker(database.register(flat), SettingsCreator(**settings(model, records)), log_level=None)
    for name, values in listed(model).items():
        table = session.createDataFrame(values, f"{name} STRING, tf_{name} DOUBLE")
        linker.table_management.register_term_frequency_lookup(database.register(table), name)
    # Splink knows no relatives: its weight is the final one or more.
    predicted = linker.inference.predict(threshold_match_weight=POSSIBLE, warning_mode="never")
    predicted.as_spark_dataframe().createOrReplaceTempView("predicted")
    found = session.sql(weighed(model, records)).where(f"weight >= {POSSIBLE}")
    for one, two, weight, *levels in found.toLocalIterator():
        yield link_of(one, two, weight, levels)


def _of_several(session: SparkSession, model: Model, records: int) -> Iterator[Link]:
    """Of records with several names, phones or the like: compared form by form, as in real time."""
    cells = ", ".join(f"{side}.{name}" for side in "xy" for name in ("id", "several", *COLUMNS))
    pairs = session.sql(
        f"""SELECT {cells}
            FROM (SELECT DISTINCT one.id AS a, two.id AS b FROM members one JOIN members two
                  ON one.key = two.key AND one.id < two.id WHERE one.several OR two.several)
            JOIN people x ON x.id = a JOIN people y ON y.id = b"""  # noqa: S608 - names of our own columns
    )
    scored = pairs.rdd.mapPartitions(partial(_scored, model.to_json(), records))
    for one, two, weight, *levels in scored.toLocalIterator():
        yield link_of(one, two, weight, levels)


def _scored(model: bytes, records: int, pairs: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    scorer, half = Scorer(from_json(model), records), len(COLUMNS) + 2
    for row in pairs:
        found = scorer.weigh(forms_of(scorer, row[1:half]), forms_of(scorer, row[half + 1 :]))
        if found.weight >= POSSIBLE:
            yield row[0], row[half], found.weight, *found.levels


def _jaro_winkler(one: str, two: str) -> float:
    """Splink's own counts half a transposition where rapidfuzz and DuckDB round down."""
    return JaroWinkler.similarity(one, two)
