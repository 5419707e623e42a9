import java.math.BigDecimal;
import java.sql.*;
import java.util.Properties;

/** Drives the Redshift JDBC driver. Usage: Checks URL USER PASSWORD SCHEMA CHECK. Prints "ok" or throws. */
public final class Checks {
  static void expect(Object wanted, Object got) {
    if (!java.util.Objects.equals(wanted, got)) throw new AssertionError("expected " + wanted + ", got " + got);
  }

  static String stateOf(Connection db, String sql) {
    try (Statement s = db.createStatement()) {
      s.execute(sql);
      return "none";
    } catch (SQLException e) {
      return e.getSQLState();
    }
  }

  static void types(Connection db) throws SQLException {
    try (Statement s = db.createStatement();
         ResultSet r = s.executeQuery("select 1::smallint, 2::int, 3::bigint, 2.25::double precision, 12.34::numeric(10,2), true, "
             + "'text'::varchar(10), date '2024-02-29', timestamp '2024-02-29 12:34:56.789', null::int")) {
      expect(true, r.next());
      expect((short) 1, r.getShort(1));
      expect(2, r.getInt(2));
      expect(3L, r.getLong(3));
      expect(2.25, r.getDouble(4));
      expect(new BigDecimal("12.34"), r.getBigDecimal(5));
      expect(true, r.getBoolean(6));
      expect("text", r.getString(7));
      expect("2024-02-29", r.getDate(8).toString());
      expect("2024-02-29 12:34:56.789", r.getTimestamp(9).toString());
      expect(null, r.getObject(10));
      ResultSetMetaData m = r.getMetaData();
      expect(10, m.getColumnCount());
      expect(Types.INTEGER, m.getColumnType(2));
      expect(Types.VARCHAR, m.getColumnType(7));
      expect(false, r.next());
    }
  }

  static void prepared(Connection db, String schema) throws SQLException {
    try (Statement s = db.createStatement()) {
      s.execute("create table " + schema + ".j (a int, b varchar(20), c numeric(12,2), d date)");
    }
    try (PreparedStatement p = db.prepareStatement("insert into " + schema + ".j values (?, ?, ?, ?)")) {
      for (int i = 0; i < 30; i++) {
        p.setInt(1, i);
        p.setString(2, "row " + i);
        p.setBigDecimal(3, BigDecimal.valueOf(i * 25L, 2));
        p.setDate(4, Date.valueOf("2024-01-01"));
        p.addBatch();
      }
      int sum = 0;
      for (int n : p.executeBatch()) sum += n >= 0 ? n : 0;
      if (sum != 30 && sum != 0) throw new AssertionError("batch counted " + sum);
    }
    try (PreparedStatement p = db.prepareStatement("select b, c from " + schema + ".j where a = ?")) {
      for (int i = 0; i < 30; i++) {
        p.setInt(1, i);
        try (ResultSet r = p.executeQuery()) {
          expect(true, r.next());
          expect("row " + i, r.getString(1));
          expect(BigDecimal.valueOf(i * 25L, 2), r.getBigDecimal(2));
        }
      }
    }
  }

  static void portal(Connection db, String schema) throws SQLException {
    try (Statement s = db.createStatement()) {
      s.execute("create table " + schema + ".p as select i as a from generate_series(1, 1000) t(i)");
    }
    db.setAutoCommit(false);
    try (Statement s = db.createStatement()) {
      s.setFetchSize(10);
      try (ResultSet r = s.executeQuery("select a from " + schema + ".p order by a")) {
        int n = 0;
        while (r.next()) expect(++n, r.getInt(1));
        expect(1000, n);
      }
    }
    db.commit();
    db.setAutoCommit(true);
  }

  static void transaction(Connection db, String schema) throws SQLException {
    try (Statement s = db.createStatement()) {
      s.execute("create table " + schema + ".x (a int)");
      db.setAutoCommit(false);
      s.executeUpdate("insert into " + schema + ".x values (1)");
      db.rollback();
      s.executeUpdate("insert into " + schema + ".x values (2)");
      db.commit();
      db.setAutoCommit(true);
      try (ResultSet r = s.executeQuery("select a from " + schema + ".x")) {
        expect(true, r.next());
        expect(2, r.getInt(1));
        expect(false, r.next());
      }
    }
  }

  static void errors(Connection db) throws SQLException {
    expect("42P01", stateOf(db, "select * from no_such_table"));
    expect("42601", stateOf(db, "selec 1"));
    expect("0A000", stateOf(db, "listen channel"));
    expect("none", stateOf(db, "select 1"));
  }

  static void timeout(Connection db) throws SQLException {
    try (Statement s = db.createStatement()) {
      s.setQueryTimeout(1);
      long start = System.nanoTime();
      try {
        s.executeQuery("select count(*) from generate_series(1, 100000000000) t(a), generate_series(1, 1000) u(b) where a % 7 = b");
        throw new AssertionError("the statement was not ended");
      } catch (SQLException e) {
        expect("57014", e.getSQLState());
      }
      if ((System.nanoTime() - start) / 1e9 > 10) throw new AssertionError("it took too long");
    }
    expect("none", stateOf(db, "select 1"));
  }

  static void product(Connection db) throws SQLException {
    DatabaseMetaData m = db.getMetaData();
    if (!m.getDatabaseProductName().contains("Redshift")) throw new AssertionError(m.getDatabaseProductName());
    if (!m.getDatabaseProductVersion().startsWith("8.0.2")) throw new AssertionError(m.getDatabaseProductVersion());
    expect(true, db.isValid(5));
  }

  public static void main(String[] a) throws Exception {
    Properties p = new Properties();
    p.setProperty("user", a[1]);
    p.setProperty("password", a[2]);
    try (Connection db = DriverManager.getConnection(a[0], p)) {
      switch (a[4]) {
        case "types" -> types(db);
        case "prepared" -> prepared(db, a[3]);
        case "portal" -> portal(db, a[3]);
        case "transaction" -> transaction(db, a[3]);
        case "errors" -> errors(db);
        case "timeout" -> timeout(db);
        case "product" -> product(db);
        case "connect" -> expect("none", stateOf(db, "select 1"));
        default -> throw new IllegalArgumentException(a[4]);
      }
    }
    System.out.println("ok");
  }
}
