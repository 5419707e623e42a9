// Drives node-pg. Usage: node checks.js PORT USER PASSWORD SCHEMA CA_FILE CHECK. Prints "ok" or throws.
const assert = require('node:assert');
const fs = require('node:fs');
const { Client, Pool } = require('pg');
const Cursor = require('pg-cursor');

const [port, user, password, schema, caFile, check] = process.argv.slice(2);
const options = { host: '127.0.0.1', port: Number(port), user, password, database: 'dev' };

async function withClient(more, body) {
  const client = new Client({ ...options, ...more });
  await client.connect();
  try {
    await body(client);
  } finally {
    await client.end();
  }
}

const checks = {
  async types() {
    await withClient({}, async (db) => {
      const { rows } = await db.query(
        "select 1::int as a, 3::bigint as b, 2.25::float8 as c, 12.34::numeric(10,2) as d, true as e, 'text'::varchar as f, null as g");
      assert.deepStrictEqual({ ...rows[0] }, { a: 1, b: '3', c: 2.25, d: '12.34', e: true, f: 'text', g: null });
    });
  },
  async binary() {
    await withClient({ binary: true }, async (db) => {
      const { rows } = await db.query({ text: 'select $1::int as a, $2::varchar as b', values: [7, 'x'], binary: true });
      assert.deepStrictEqual({ ...rows[0] }, { a: 7, b: 'x' });
    });
  },
  async prepared() {
    await withClient({}, async (db) => {
      for (let i = 0; i < 20; i++) {
        const { rows } = await db.query({ name: 'twice', text: 'select $1::int * 2 as n', values: [i] });
        assert.strictEqual(rows[0].n, 2 * i);
      }
    });
  },
  async transaction() {
    await withClient({}, async (db) => {
      await db.query(`create table ${schema}.n (a int)`);
      await db.query('begin');
      await db.query(`insert into ${schema}.n values (1)`);
      await db.query('rollback');
      assert.strictEqual((await db.query(`select * from ${schema}.n`)).rowCount, 0);
    });
  },
  async errors() {
    await withClient({}, async (db) => {
      await assert.rejects(db.query('select * from no_such_table'), { code: '42P01' });
      await assert.rejects(db.query('select $1::int', ['not a number']), { code: '22P02' });
      assert.strictEqual((await db.query('select 1 as n')).rows[0].n, 1);
    });
  },
  async cursor() {
    await withClient({}, async (db) => {
      await db.query(`create table ${schema}.c as select i as a from generate_series(1, 100) t(i)`);
      const cursor = db.query(new Cursor(`select a from ${schema}.c order by a`));
      const seen = [];
      for (;;) {
        const rows = await cursor.read(7);
        if (rows.length === 0) break;
        seen.push(...rows.map((r) => Number(r.a)));
      }
      await cursor.close();
      assert.deepStrictEqual(seen, Array.from({ length: 100 }, (_, i) => i + 1));
    });
  },
  async tls() {
    // The certificate of `skep init` is for localhost.
    await withClient({ host: 'localhost', ssl: { ca: fs.readFileSync(caFile) } }, async (db) => {
      assert.strictEqual((await db.query('select 1 as n')).rows[0].n, 1);
    });
  },
  async pool() {
    const pool = new Pool({ ...options, max: 8 });
    const sums = await Promise.all(Array.from({ length: 40 }, (_, i) => pool.query('select $1::int + 1 as n', [i])));
    assert.deepStrictEqual(sums.map((s) => s.rows[0].n), Array.from({ length: 40 }, (_, i) => i + 1));
    await pool.end();
  },
};

checks[check]().then(() => console.log('ok'), (error) => {
  console.error(error);
  process.exit(1);
});
