"""Turns the public files of a vega-datasets package into a small data lake and adds TPC-H. Called by tools/demo_data.

Usage: make_demo_data.py SOURCE_FOLDER TPCH_EXTENSION TARGET_FOLDER
"""

import json
import pathlib
import shutil
import sys

import duckdb

TPCH_TABLES = ["region", "nation", "supplier", "customer", "part", "partsupp", "orders", "lineitem"]


def copy_csv(source: pathlib.Path, target: pathlib.Path) -> None:
    for name in ("airports", "weather"):
        (target / name).mkdir()
        shutil.copyfile(source / f"{name}.csv", target / name / f"{name}.csv")


def write_earthquakes(source: pathlib.Path, target: pathlib.Path) -> None:
    features = json.loads((source / "earthquakes.json").read_text())["features"]
    (target / "earthquakes").mkdir()
    with open(target / "earthquakes" / "earthquakes.json", "w") as out:
        for feature in features:
            facts, (longitude, latitude, depth) = feature["properties"], feature["geometry"]["coordinates"]
            row = {
                "id": feature["id"], "time_ms": facts["time"], "magnitude": facts["mag"], "place": facts["place"],
                "longitude": longitude, "latitude": latitude, "depth_km": depth,
                "tsunami": facts["tsunami"] != 0, "stations": facts["nst"], "status": facts["status"],
            }
            out.write(json.dumps(row) + "\n")


def write_flights(engine: duckdb.DuckDBPyConnection, source: pathlib.Path, target: pathlib.Path) -> None:
    months = engine.execute(
        f"select distinct year(date), month(date) from '{source}/flights-3m.parquet' order by all").fetchall()
    for year, month in months:
        folder = target / "flights" / f"year={year}" / f"month={month:02}"
        folder.mkdir(parents=True)
        engine.execute(f"""
            copy (select date as departure, delay, distance, origin, destination from '{source}/flights-3m.parquet'
                  where year(date) = {year} and month(date) = {month} order by departure, origin, destination, delay, distance)
            to '{folder}/part-0000.parquet' (format parquet, row_group_size 100000)""")


def write_tpch(engine: duckdb.DuckDBPyConnection, target: pathlib.Path, folder: str, scale: float) -> None:
    engine.execute(f"attach ':memory:' as generated; use generated; call dbgen(sf={scale})")
    for table in TPCH_TABLES:
        (target / folder / table).mkdir(parents=True)
        engine.execute(f"copy {table} to '{target}/{folder}/{table}/{table}.parquet' (format parquet)")
    engine.execute("use memory; detach generated")


def main() -> None:
    source, extension, target = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
    copy_csv(source, target)
    write_earthquakes(source, target)
    engine = duckdb.connect()
    engine.execute("set threads = 2")
    engine.execute(f"load '{extension}'")
    write_flights(engine, source, target)
    write_tpch(engine, target, "tpch", 0.01)
    write_tpch(engine, target, "tpch-0.1", 0.1)


main()
