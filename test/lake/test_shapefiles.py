"""COPY ... FORMAT SHAPEFILE: shapefiles that a library wrote become geometries and attributes; broken ones become load errors."""

import datetime
import decimal
import gzip
import io
import math
import random
import struct

import psycopg
import pytest
import shapefile

from support.server import ROLE, UNKNOWN_ROLE, UNTRUSTING_ROLE

BUCKET = "shapefiles"
UTM33 = ('PROJCS["WGS_1984_UTM_Zone_33N",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],'
         'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["False_Easting",500000.0],'
         'PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",15.0],PARAMETER["Scale_Factor",0.9996],PARAMETER["Latitude_Of_Origin",0.0],'
         'UNIT["Meter",1.0]]')


@pytest.fixture(scope="module")
def bucket(lake):
    lake.client().create_bucket(Bucket=BUCKET)
    return lake.client()


@pytest.fixture
def db(server, bucket):
    with server.connect() as one:
        one.notices = []
        one.add_notice_handler(lambda notice: one.notices.append(notice.message_primary))
        yield one
        one.execute("drop table if exists shapes")


def make(kind, fields, records, encoding="utf-8"):
    """The .shp, .shx and .dbf that pyshp writes; `records` are functions that draw and attribute values."""
    parts = {ending: io.BytesIO() for ending in ("shp", "shx", "dbf")}
    with shapefile.Writer(**parts, shapeType=kind, encoding=encoding) as writer:
        for field in fields:
            writer.field(*field)
        for draw, values in records:
            draw(writer)
            writer.record(*values)
    return {ending: part.getvalue() for ending, part in parts.items()}


def put(bucket, name, parts, packed=False):
    for ending, body in parts.items():
        body = body.encode() if isinstance(body, str) else body
        bucket.put_object(Bucket=BUCKET, Key=f"{name}.{ending}" + (".gz" if packed else ""), Body=gzip.compress(body) if packed else body)
    return f"s3://{BUCKET}/{name}.shp" + (".gz" if packed else "")


def table(db, columns):
    db.execute("drop table if exists shapes")
    db.execute(f"create table shapes ({columns})")


def copy(db, path, options="", columns=""):
    db.execute(f"copy shapes {columns} from '{path}' iam_role '{ROLE}' format shapefile {options}")


def texts(db, more="", order="1"):
    return db.execute(f"select st_asewkt(g){more} from shapes order by {order}").fetchall()


def rejects(db, path):
    return db.execute("select line_number, column_name, error_code, error_message from sys_load_error_detail where file_name = %s order by line_number", (path,)).fetchall()


def fails(db, path, options="", columns=""):
    with pytest.raises(psycopg.Error) as failed:
        copy(db, path, options, columns)
    return failed.value


def points(*values):
    return [(lambda writer, x=x, y=y: writer.point(x, y), attributes) for x, y, *attributes in values]


ONE_FIELD = [("name", "C", 20)]


def test_points_and_attributes_of_every_type(db, bucket):
    fields = [("name", "C", 20), ("n", "N", 9, 0), ("d", "N", 12, 3), ("f", "F", 18, 6), ("day", "D"), ("ok", "L")]
    path = put(bucket, "types/a", make(shapefile.POINT, fields, [
        (lambda w: w.point(10.5, -3), ["größe", 7, 1.25, 0.5, datetime.date(2026, 1, 31), True]),
        (lambda w: w.point(1e6, 2e6), ["", -12, None, None, None, None]),
        (lambda w: w.null(), ["nowhere", None, 0, 1e3, None, False])]) | {"cpg": "UTF-8"})
    table(db, "g geometry, name varchar(20), n int, d decimal(9,3), f float8, day date, ok boolean")
    copy(db, path)
    assert texts(db, ", name, n, d, f, day, ok", "name") == [
        ("POINT(1000000 2000000)", "", -12, None, None, None, None),
        ("POINT(10.5 -3)", "größe", 7, decimal.Decimal("1.250"), 0.5, datetime.date(2026, 1, 31), True),
        (None, "nowhere", None, 0, 1000, None, False)]
    assert db.notices == ["Load into table 'shapes' completed, 3 record(s) loaded successfully."]
    assert db.execute("select file_format, loaded_rows, source_file_count from sys_load_history order by query_id desc limit 1").fetchone() == ("shapefile", 3, 3)


def test_lines_polygons_and_multipoints(db, bucket):
    # Clockwise exteriors; holes run the other way round, and one lies in the second exterior.
    outer, far = [[0, 0], [0, 10], [10, 10], [10, 0], [0, 0]], [[20, 0], [20, 10], [30, 10], [30, 0], [20, 0]]
    hole, far_hole = [[1, 1], [2, 1], [2, 2], [1, 2], [1, 1]], [[21, 1], [22, 1], [22, 2], [21, 2], [21, 1]]
    island = [[1.2, 1.2], [1.2, 1.8], [1.8, 1.8], [1.8, 1.2], [1.2, 1.2]]
    cases = {
        "line": (shapefile.POLYLINE, lambda w: w.line([[[0, 0], [1, 1], [2, 0]]]), "LINESTRING(0 0,1 1,2 0)"),
        "lines": (shapefile.POLYLINE, lambda w: w.line([[[0, 0], [1, 1]], [[5, 5], [6, 6]]]), "MULTILINESTRING((0 0,1 1),(5 5,6 6))"),
        "points": (shapefile.MULTIPOINT, lambda w: w.multipoint([[1, 2], [3, 4]]), "MULTIPOINT((1 2),(3 4))"),
        "ring": (shapefile.POLYGON, lambda w: w.poly([outer]), "POLYGON((0 0,0 10,10 10,10 0,0 0))"),
        "hole": (shapefile.POLYGON, lambda w: w.poly([outer, hole]), "POLYGON((0 0,0 10,10 10,10 0,0 0),(1 1,2 1,2 2,1 2,1 1))"),
        "two": (shapefile.POLYGON, lambda w: w.poly([outer, far, far_hole, hole]),
                "MULTIPOLYGON(((0 0,0 10,10 10,10 0,0 0),(1 1,2 1,2 2,1 2,1 1)),((20 0,20 10,30 10,30 0,20 0),(21 1,22 1,22 2,21 2,21 1)))"),
        "island": (shapefile.POLYGON, lambda w: w.poly([outer, hole, island]),
                   "MULTIPOLYGON(((0 0,0 10,10 10,10 0,0 0),(1 1,2 1,2 2,1 2,1 1)),((1.2 1.2,1.2 1.8,1.8 1.8,1.8 1.2,1.2 1.2)))"),
        "alone": (shapefile.POLYGON, lambda w: w.poly([hole]), "POLYGON((1 1,2 1,2 2,1 2,1 1))")}
    for name, (kind, draw, expected) in cases.items():
        path = put(bucket, f"kinds/{name}", make(kind, ONE_FIELD, [(draw, ["x"])]))
        table(db, "g geometry, name varchar(20)")
        copy(db, path)
        got = texts(db)[0][0]
        assert got == expected, name
        # What was loaded is a value like any other.
        assert db.execute("select st_isvalid(g), st_equals(g, st_geomfromtext(%s)) from shapes", (expected,)).fetchone() == (True, True), name


def test_the_third_dimension_and_measures(db, bucket):
    cases = [
        (shapefile.POINTZ, lambda w: w.pointz(1, 2, 3), "POINT Z (1 2 3)"),
        (shapefile.POINTZ, lambda w: w.pointz(1, 2, 3, 4), "POINT ZM (1 2 3 4)"),
        (shapefile.POINTM, lambda w: w.pointm(1, 2, 3), "POINT M (1 2 3)"),
        (shapefile.POLYLINEZ, lambda w: w.linez([[[0, 0, 5], [1, 1, 6]]]), "LINESTRING Z (0 0 5,1 1 6)"),
        (shapefile.POLYLINEM, lambda w: w.linem([[[0, 0, 7], [1, 1, 8]]]), "LINESTRING M (0 0 7,1 1 8)"),
        (shapefile.MULTIPOINTZ, lambda w: w.multipointz([[0, 0, 5], [1, 1, 6]]), "MULTIPOINT Z ((0 0 5),(1 1 6))"),
        (shapefile.POLYGONZ, lambda w: w.polyz([[[0, 0, 1], [0, 2, 2], [2, 0, 3], [0, 0, 1]]]), "POLYGON Z ((0 0 1,0 2 2,2 0 3,0 0 1))")]
    for number, (kind, draw, expected) in enumerate(cases):
        path = put(bucket, f"dimensions/{number}", make(kind, ONE_FIELD, [(draw, ["x"])]))
        table(db, "g geometry, name varchar(20)")
        copy(db, path)
        plain = lambda text: text.replace(" ", "")
        assert plain(texts(db)[0][0]) == plain(expected)


def test_the_reference_system_comes_from_the_projection_file(db, bucket):
    parts = make(shapefile.POINT, ONE_FIELD, points((500000, 0, "x")))
    cases = {
        "utm": (UTM33, 32633),
        "wgs": ('GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]', 4326),
        "web": ('PROJCS["WGS_1984_Web_Mercator_Auxiliary_Sphere",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137,298.257223563]]]]', 3857),
        "authority": ('PROJCS["my own name",GEOGCS["WGS 84",AUTHORITY["EPSG","4326"]],AUTHORITY["EPSG","25832"]]', 25832),
        "wkt2": ('PROJCRS["my own name",BASEGEOGCRS["WGS 84",ID["EPSG",4326]],ID["EPSG",3035]]', 3035),
        "unknown": ('PROJCS["a plan of the garden",GEOGCS["GCS_WGS_1984",AUTHORITY["EPSG","4326"]]]', 0),
        "invented": ('GEOGCS["x",AUTHORITY["EPSG","999999"]]', 0),
        "junk": (b"\x00\xff[[[[]]],,,\"", 0)}
    for name, (text, srid) in cases.items():
        path = put(bucket, f"projections/{name}", parts | {"prj": text})
        table(db, "g geometry, name varchar(20)")
        copy(db, path)
        assert db.execute("select st_srid(g) from shapes").fetchone() == (srid,), name
    db.execute("set read_srid_on_shapefile_ingestion to off")
    table(db, "g geometry, name varchar(20)")
    copy(db, f"s3://{BUCKET}/projections/utm.shp")
    assert db.execute("select st_srid(g) from shapes").fetchone() == (0,)
    db.execute("reset read_srid_on_shapefile_ingestion")


def test_encodings_of_attributes(db, bucket):
    written = lambda encoding, more: make(shapefile.POINT, ONE_FIELD, points((0, 0, "Łódź" if encoding == "cp1250" else "größe")), encoding) | more
    for name, encoding, more, options, expected in [
            ("cpg", "latin-1", {"cpg": "ISO-8859-1"}, "", "größe"), ("page", "cp1250", {"cpg": "ANSI 1250\r\n"}, "", "Łódź"),
            ("oem", "cp850", {"cpg": "OEM 850"}, "", "größe"), ("option", "latin-1", {}, "encoding iso88591", "größe"), ("none", "utf-8", {}, "", "größe")]:
        path = put(bucket, f"encodings/{name}", written(encoding, more))
        table(db, "g geometry, name varchar(20)")
        copy(db, path, options)
        assert db.execute("select name from shapes").fetchone() == (expected,), name
    # The header of the .dbf names it.
    parts = written("cp1252", {})
    parts["dbf"] = parts["dbf"][:29] + b"\x03" + parts["dbf"][30:]
    path = put(bucket, "encodings/driver", parts)
    table(db, "g geometry, name varchar(20)")
    copy(db, path)
    assert db.execute("select name from shapes").fetchone() == ("größe",)
    # Bytes that are no text of it are refused, not guessed.
    path = put(bucket, "encodings/wrong", written("latin-1", {"cpg": "UTF-8"}))
    fails(db, path)
    assert rejects(db, path)[0][:3] == (1, "name", 1220)
    assert "encoding that is not known" in str(fails(db, put(bucket, "encodings/odd", written("utf-8", {"cpg": "EBCDIC"}))))


def test_gzip_column_lists_identity_and_more_options(db, bucket):
    fields = [("id", "N", 9, 0), ("name", "C", 9)]
    path = put(bucket, "packed/a", make(shapefile.POINT, fields, points((1, 2, 5, "a"), (3, 4, 6, "  b"))) | {"prj": UTM33}, packed=True)
    table(db, "n bigint identity(1,1), g geometry, id int, name varchar(9)")
    copy(db, path, "gzip")
    assert texts(db, ", id, name", "id") == [("SRID=32633;POINT(1 2)", 5, "a"), ("SRID=32633;POINT(3 4)", 6, "  b")]
    table(db, "name varchar(9), id int, g geometry, more int default 7")
    copy(db, path, "gzip", "(g, id, name)")
    assert texts(db, ", id, name, more", "id") == [("SRID=32633;POINT(1 2)", 5, "a", 7), ("SRID=32633;POINT(3 4)", 6, "  b", 7)]
    # Plain bytes where gzip was said, and the other way round.
    plain = put(bucket, "packed/plain", make(shapefile.POINT, fields, points((1, 2, 5, "a"))))
    table(db, "g geometry, id int, name varchar(9)")
    fails(db, plain, "gzip")
    fails(db, path)
    assert rejects(db, path)[0][3] == "Invalid shapefile: it ends within its header"
    copy(db, plain, "noload")
    assert texts(db) == []
    # A manifest names all files; a prefix finds several shapefiles.
    put(bucket, "packed/many/x", make(shapefile.POINT, fields, points((1, 1, 1, "x"))))
    put(bucket, "packed/many/y", make(shapefile.POINT, fields, points((2, 2, 2, "y"))) | {"shp.xml": "<metadata/>"})
    copy(db, f"s3://{BUCKET}/packed/many/")
    assert texts(db, ", name", "id") == [("POINT(1 1)", "x"), ("POINT(2 2)", "y")]


def test_a_name_is_no_prefix_of_another(db, bucket):
    parts = make(shapefile.POINT, ONE_FIELD, points((1, 1, "mine")))
    path = put(bucket, "names/road", parts)
    put(bucket, "names/road.old", make(shapefile.POINT, ONE_FIELD, points((2, 2, "another"))))
    put(bucket, "names/roads", make(shapefile.POINT, ONE_FIELD, points((3, 3, "third"))))
    table(db, "g geometry, name varchar(20)")
    copy(db, path)
    assert texts(db, ", name") == [("POINT(1 1)", "mine")]
    bucket.delete_object(Bucket=BUCKET, Key="names/road.dbf")
    assert "names/road.shp has no .dbf beside it" in str(fails(db, path))
    # Without attributes nobody needs it, nor the .shx.
    bucket.delete_object(Bucket=BUCKET, Key="names/road.shx")
    table(db, "g geometry")
    copy(db, path)
    assert texts(db) == [("POINT(1 1)",)]
    assert "names no .shp file" in str(fails(db, f"s3://{BUCKET}/names/road.old.dbf"))
    assert "does not exist" in str(fails(db, f"s3://{BUCKET}/names/nothing.shp"))


def test_roles_are_asked_for_each_file(db, bucket):
    put(bucket, "roles/a", make(shapefile.POINT, ONE_FIELD, points((1, 1, "x"))))
    table(db, "g geometry, name varchar(20)")
    for role, code in ((UNTRUSTING_ROLE, "42501"), (UNKNOWN_ROLE, "28000")):
        with pytest.raises(psycopg.Error) as failed:
            db.execute(f"copy shapes from 's3://{BUCKET}/roles/a.shp' iam_role '{role}' format shapefile")
        assert failed.value.sqlstate == code
    assert texts(db) == []


def test_deleted_rows_are_left_out(db, bucket):
    parts = make(shapefile.POINT, ONE_FIELD, points((1, 1, "a"), (2, 2, "b"), (3, 3, "c")))
    at = struct.unpack_from("<H", parts["dbf"], 8)[0] + struct.unpack_from("<H", parts["dbf"], 10)[0]
    parts["dbf"] = parts["dbf"][:at] + b"*" + parts["dbf"][at + 1:]
    table(db, "g geometry, name varchar(20)")
    copy(db, put(bucket, "deleted/a", parts))
    assert texts(db, ", name") == [("POINT(1 1)", "a"), ("POINT(3 3)", "c")]


def test_rejected_records(db, bucket):
    path = put(bucket, "rejects/a", make(shapefile.POINT, [("n", "N", 9, 0), ("name", "C", 20)], points((1, 1, 1, "fits"), (2, 2, 99999, "fits"), (3, 3, 3, "far too long"), (4, 4, 4, "end"))))
    table(db, "g geometry, n smallint, name varchar(5)")
    assert "Load into table 'shapes' failed.  Check 'sys_load_error_detail' system table for details." in str(fails(db, path))
    assert texts(db) == []
    copy(db, path, "maxerror 3")
    assert texts(db, ", n") == [("POINT(1 1)", 1), ("POINT(4 4)", 4)]
    assert [(line, column, code) for line, column, code, _ in rejects(db, path)][-2:] == [(3, "name", 1204)] * 2
    assert {(line, column, code) for line, column, code, _ in rejects(db, path)} == {(2, "n", 1204), (3, "name", 1204)}
    table(db, "g geometry not null, name varchar(20)")
    path = put(bucket, "rejects/null", make(shapefile.POINT, ONE_FIELD, [(lambda w: w.null(), ["x"])]))
    fails(db, path)
    assert rejects(db, path)[0][:3] == (1, "g", 1213)


def big_line(count):
    """A line whose every point matters a little: a circle of so many points."""
    return [[math.cos(2 * math.pi * i / count), math.sin(2 * math.pi * i / count)] for i in range(count)]


def test_geometries_that_are_too_large_are_made_simpler(db, bucket):
    count = 70_000  # 1,120,009 bytes
    path = put(bucket, "large/a", make(shapefile.POLYLINE, ONE_FIELD, [(lambda w: w.line([[[0, 0], [1, 0.001], [2, 0]]]), ["small"]), (lambda w: w.line([big_line(count)]), ["large"])]))
    too_large = f"Geometry size: {9 + 16 * count} is larger than maximum supported size: 1048447"
    table(db, "g geometry, name varchar(20)")
    fails(db, path)
    assert rejects(db, path) == [(2, "g", 1204, too_large)]
    copy(db, path, "maxerror 2")
    assert [name for _, name in texts(db, ", name")] == ["small"]
    many = put(bucket, "large/points", make(shapefile.MULTIPOINT, ONE_FIELD, [(lambda w: w.multipoint([[1, 1]] * 50_000), ["x"])]))
    fails(db, many, "simplify auto")  # points are not made fewer
    assert rejects(db, many) == [(1, "g", 1204, f"Geometry size: {9 + 21 * 50_000} is larger than maximum supported size: 1048447")]
    # AUTO leaves alone what fits, and takes of the rest no more than it must.
    db.execute("truncate shapes")
    copy(db, path, "simplify auto")
    got = dict(db.execute("select name, st_npoints(g) from shapes").fetchall())
    assert got["small"] == 3 and 30_000 < got["large"] < count
    assert db.execute("select max(st_memsize(g)) <= 1048447 from shapes").fetchone() == (True,)
    view = db.execute("select line_number, maximum_tolerance, initial_size, trim(simplified), final_size, final_tolerance from sys_spatial_simplify where query_id = pg_last_copy_id()").fetchall()
    assert [row[:4] for row in view] == [(2, None, 9 + 16 * count, "t")]
    assert view[0][4] == 9 + 16 * got["large"] and 0 < view[0][5] < 1e-3
    # Not beyond the tolerance that was given.
    fails(db, path, "simplify auto 1e-30")
    assert rejects(db, path)[-1] == (2, "g", 1204, too_large)
    db.execute("truncate shapes")
    copy(db, path, "simplify 0.1")
    assert db.execute("select name, st_npoints(g) < 100 from shapes order by 1").fetchall() == [("large", True), ("small", True)]
    assert dict(db.execute("select name, st_npoints(g) from shapes").fetchall())["small"] == 2
    assert db.execute("select line_number, maximum_tolerance, simplified from svl_spatial_simplify where query = pg_last_copy_id()").fetchall() == [(None, 0.1, None)]


def test_what_does_not_go(db, bucket):
    path = put(bucket, "refused/a", make(shapefile.POINT, ONE_FIELD, points((1, 1, "x"))))
    table(db, "g geometry, name varchar(20)")
    for options, message in [("escape", "ESCAPE"), ("removequotes", "REMOVEQUOTES"), ("fixedwidth 'a:1'", "cannot be used together"), ("bzip2", "BZIP2 argument is not supported for SHAPEFILE"),
                             ("zstd", "ZSTD"), ("delimiter ','", "DELIMITER and SHAPEFILE"), ("csv", "cannot be used together"), ("encoding utf16", "encoding"),
                             ("simplify -1", ""), ("job create shapes_job auto on", "COPY JOB")]:
        assert message in str(fails(db, path, options)), options
    with pytest.raises(psycopg.Error, match="SIMPLIFY can be used with SHAPEFILE only"):
        db.execute(f"copy shapes from '{path}' iam_role '{ROLE}' csv simplify 1")
    assert "has 1 fields, the table takes 2 columns besides the geometry" in str(_with_columns(db, path, "g geometry, name varchar(20), more int"))
    assert "must be of type GEOMETRY" in str(_with_columns(db, path, "name varchar(20), g geometry"))
    assert "must be of type GEOMETRY" in str(_with_columns(db, path, "g geography, name varchar(20)"))
    table(db, "g geometry, name varchar(20), more int")
    copy(db, path, "fillrecord")
    assert texts(db, ", name, more") == [("POINT(1 1)", "x", None)]


def _with_columns(db, path, columns):
    table(db, columns)
    return fails(db, path)


def test_attributes_do_not_become_geometries_unread(db, bucket):
    """Text in a second GEOMETRY column is text that must be one."""
    path = put(bucket, "second/a", make(shapefile.POINT, [("wkt", "C", 30)], points((1, 1, "POINT(5 6)"), (2, 2, "\x01\x07\x00\x00\x00\xff\xff\xff\x7f"))), )
    table(db, "g geometry, h geometry")
    copy(db, path, "maxerror 2")
    assert db.execute("select st_asewkt(g), st_asewkt(h) from shapes").fetchall() == [("POINT(1 1)", "POINT(5 6)")]


def mutated(parts, ending, at, form, value):
    body = bytearray(parts[ending])
    struct.pack_into(form, body, at, value)
    return parts | {ending: bytes(body)}


def test_hostile_files_end_as_load_errors(db, bucket):
    polygon = make(shapefile.POLYGON, ONE_FIELD, [(lambda w: w.poly([[[0, 0], [0, 9], [9, 9], [0, 0]]]), ["x"])])
    multi = make(shapefile.MULTIPOINT, ONE_FIELD, [(lambda w: w.multipoint([[0, 0], [1, 1]]), ["x"])])
    content = 108  # of the first record in a .shp, behind both headers
    cases = {
        "empty": (polygon | {"shp": b""}, "ends within its header"),
        "short": (polygon | {"shp": polygon["shp"][:50]}, "ends within its header"),
        "code": (mutated(polygon, "shp", 0, ">i", 1), "does not begin as a .shp does"),
        "cut": (polygon | {"shp": polygon["shp"][:-9]}, "ends within a record"),
        "half_header": (polygon | {"shp": polygon["shp"] + b"\0\0\0"}, "ends within a record"),
        "lost_records": (mutated(polygon, "shp", 24, ">i", 5000), "its header says 10000"),
        "huge_record": (mutated(polygon, "shp", 104, ">i", 0x7FFFFFFF), "ends within a record"),
        "negative_record": (mutated(polygon, "shp", 104, ">i", -1), "ends within a record"),
        "no_content": (mutated(polygon, "shp", 104, ">i", 0), "a record without content"),
        "patch": (mutated(polygon, "shp", content, "<i", 31), "shape type 31 (MultiPatch) is not supported"),
        "type": (mutated(polygon, "shp", content, "<i", 77), "shape type 77 is not supported"),
        "parts": (mutated(polygon, "shp", content + 36, "<I", 0xFFFFFFFF), "the record ends too early"),
        "points": (mutated(polygon, "shp", content + 40, "<I", 0xFFFFFFF0), "the record ends too early"),
        "fewer_points": (mutated(polygon, "shp", content + 44, "<I", 3), "does not lie within"),
        "no_parts": (mutated(polygon, "shp", content + 36, "<I", 0), "there are points and no parts"),
        "nan": (mutated(polygon, "shp", content + 48, "<d", math.nan), "a coordinate is not a number"),
        "infinite": (mutated(polygon, "shp", content + 48, "<d", math.inf), "a coordinate is not a number"),
        "multipoints": (mutated(multi, "shp", content + 36, "<I", 0xFFFFFFFF), "the record ends too early"),
        "dbf_empty": (polygon | {"dbf": b""}, "ends within its header"),
        "dbf_header": (mutated(polygon, "dbf", 8, "<H", 0xFFFF), "ends within its header"),
        "dbf_no_header": (mutated(polygon, "dbf", 8, "<H", 3), "is no dBASE table"),
        "dbf_fields": (mutated(polygon, "dbf", 10, "<H", 3), "its fields take 21 bytes, a row has 3"),
        "dbf_rows": (mutated(polygon, "dbf", 4, "<I", 0), "has no row for this record"),
        "dbf_more_rows": (mutated(polygon, "dbf", 4, "<I", 0xFFFFFFFF), "rows for 1 records"),
        "dbf_cut": (polygon | {"dbf": polygon["dbf"][:-12]}, "has no row for this record")}
    table(db, "g geometry, name varchar(20)")
    for name, (parts, reason) in cases.items():
        path = put(bucket, f"hostile/{name}", parts)
        fails(db, path)
        found = rejects(db, path)
        assert len(found) == 1 and reason in found[0][3], (name, found)
    # MAXERROR keeps what was readable before it.
    copy(db, f"s3://{BUCKET}/hostile/lost_records.shp", "maxerror 2")
    assert texts(db) == [("POLYGON((0 0,0 9,9 9,0 0))",)]


def test_a_bomb_of_rings_is_refused(db, bucket):
    """Holes by the thousand, each in the gap of an exterior of many points: the work for them is bounded."""
    count = 30_000
    arm = lambda x, up: [[x, 10 * (i if up else count - i) / count] for i in range(count)]
    gap = arm(0, True) + arm(1, False) + arm(9, True) + arm(10, False)  # a U upside down: between 1 and 9 is nothing of it
    holes = [[[5, 5], [5.1, 5], [5.1, 5.1], [5, 5]]] * 9000
    path = put(bucket, "bombs/rings", make(shapefile.POLYGON, ONE_FIELD, [(lambda w: w.poly([gap + gap[:1], *holes]), ["x"]), (lambda w: w.null(), ["end"])]))
    table(db, "g geometry, name varchar(20)")
    copy(db, path, "maxerror 2")
    assert rejects(db, path) == [(1, "g", 1216, "Invalid shape: the polygon has too many rings")]
    assert texts(db, ", name") == [(None, "end")]


def test_no_broken_shapefile_ends_the_worker(server, db, bucket):
    rng = random.Random(2026)
    ring = [[0, 0], [0, 9], [9, 9], [9, 0], [0, 0]]
    parts = make(shapefile.POLYGONZ, [("name", "C", 20), ("n", "N", 9, 2), ("day", "D")],
                 [(lambda w, i=i: w.polyz([[[x + i, y, i] for x, y in ring], [[2, 2, 0], [3, 2, 0], [3, 3, 0], [2, 2, 0]]]), [f"name {i}", i / 4, datetime.date(2026, 1, 1 + i)]) for i in range(12)])
    table(db, "g geometry, name varchar(20), n decimal(9,2), day date")
    before, outcomes = set(server.workers()), {"rows": 0, "refused": 0}
    for number in range(80):
        spoiled = dict(parts)
        for _ in range(rng.randrange(1, 4)):
            ending = rng.choice(["shp", "dbf"])
            body = bytearray(spoiled[ending])
            at = rng.choice([rng.randrange(len(body)), rng.randrange(min(len(body), 200))])
            body[at:at + rng.choice([0, 1, 4])] = rng.choice([b"", rng.randbytes(1), b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\x7f\xff\xff\xff"])
            spoiled[ending] = bytes(body)
        path = put(bucket, f"mutants/{number}", spoiled)
        try:
            copy(db, path, rng.choice(["", "maxerror 100", "maxerror 100 simplify auto", "maxerror 100 simplify 1"]))
            outcomes["rows"] += 1
        except psycopg.Error as error:
            assert error.sqlstate not in ("XX000", "57P01", "57P02", "58030"), f"{number}: {error}"
            outcomes["refused"] += 1
    assert outcomes["refused"] > 3 and outcomes["rows"] > 3, outcomes
    assert set(server.workers()) & before
    # What was loaded can be read.
    assert db.execute("select count(*) - count(st_asewkt(g)) from shapes where g is not null").fetchone() == (0,)
