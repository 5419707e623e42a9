#include "sql/parse/statement.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "sql/ast/statement_tag.h"
#include "sql/ast/visit.h"
#include "sql/parse/script.h"
#include "sql/print/print.h"

namespace skep::sql {
namespace {

struct Case {
  std::string_view sql;
  std::string_view tag;
};

constexpr Case kRows[] = {
    {"select 1", "SELECT"},
    {"(select a from b) union all (select c from d) order by 1", "SELECT"},
    {"with w as (select 1 as a) select a from w", "SELECT"},
    {"with recursive w (a) as (select 1 union all select a + 1 from w where a < 5) select a from w",
     "SELECT"},
    {"select x, y into temp table kept from source where x > 0", "SELECT"},
    {"select x into #kept from source", "SELECT"},
    {"select top 3 distinct a from b qualify row_number() over (partition by a order by c) = 1",
     "SELECT"},
    {"select * exclude (a) from b start with c is null connect by nocycle prior d = c", "SELECT"},
    {"select a from t, t.parts p at i, unpivot t.bag as v at k where t.a = p.b (+)", "SELECT"},
    {"select * from (select a, b from t) pivot (sum(a) as s for b in (1 as one, 2)) as p",
     "SELECT"},
    {"select * from t unpivot include nulls (v for n in (a as 'x', b)) u", "SELECT"},
    {"select a, count(*) from t group by grouping sets ((a), rollup (a, b), cube (c), ()), d",
     "SELECT"},
    {"select a from t group by all having count(*) > 1 limit all offset 2", "SELECT"},
    {"select a from f(1) as g (a int, b varchar(3)) cross join h natural join i", "SELECT"},
    {"select a from c.d[0].e as x, only y", "SELECT"},
    {"values (1, 'a'), (2, 'b')", "SELECT"},
    {"insert into t values (1, default), (2, 'x')", "INSERT"},
    {"insert into s.t (a, b) select c, d from e", "INSERT"},
    {"insert into t (a) (select c from e limit 3)", "INSERT"},
    {"insert into t default values", "INSERT"},
    {"insert into t (a) with w as (select 1 as a) select a from w", "INSERT"},
    {"with w as (select 1 as a) insert into t select a from w", "INSERT"},
    {"update t set a = 1, b = default, c = (select max(d) from e)", "UPDATE"},
    {"update t as x set a = y.a from u y join v on y.k = v.k where x.k = y.k", "UPDATE"},
    {"with w (k) as (select 1) update t set a = 2 from w where t.k = w.k", "UPDATE"},
    {"delete from t", "DELETE"},
    {"delete t x using u, v where x.k = u.k and u.j = v.j", "DELETE"},
    {"with w as (select 1 as k) delete from t using w where t.k = w.k", "DELETE"},
    {"merge into t using (select k, v from u) s on t.k = s.k when matched then update set v = s.v "
     "when not matched then insert (k, v) values (s.k, s.v)",
     "MERGE"},
    {"merge into t using u as s on t.k = s.k when matched then delete when not matched then insert "
     "values (s.k)",
     "MERGE"},
    {"merge into t using u on t.k = u.k remove duplicates", "MERGE"},
    {"truncate table s.t", "TRUNCATE TABLE"},
    {"truncate t", "TRUNCATE TABLE"},
    {"call s.refresh_all(1, 'a', null)", "CALL"},
    {"call nothing()", "CALL"},
    {"declare c cursor for select a from t order by a", "DECLARE CURSOR"},
    {"fetch next from c", "FETCH"},
    {"fetch all from c", "FETCH"},
    {"fetch forward 10 from c", "FETCH"},
    {"fetch forward all from c", "FETCH"},
    {"fetch forward from c", "FETCH"},
    {"fetch 5 from c", "FETCH"},
    {"close c", "CLOSE CURSOR"},
    {"close all", "CLOSE CURSOR ALL"},
    {"prepare p (int, varchar(10)) as insert into t values ($1, $2)", "PREPARE"},
    {"prepare p as select 1", "PREPARE"},
    {"execute p (1, 'x')", "EXECUTE"},
    {"execute p", "EXECUTE"},
    {"deallocate prepare p", "DEALLOCATE"},
    {"deallocate all", "DEALLOCATE ALL"},
    {"explain select a from t", "EXPLAIN"},
    {"explain verbose delete from t", "EXPLAIN"},
    {"explain analyze verbose select 1", "EXPLAIN"},
};

constexpr Case kSessions[] = {
    {"begin", "BEGIN"},
    {"begin work isolation level serializable read write", "BEGIN"},
    {"begin transaction read only", "BEGIN"},
    {"begin isolation level snapshot", "BEGIN"},
    {"start transaction isolation level repeatable read, read only", "START TRANSACTION"},
    {"start transaction isolation level read uncommitted", "START TRANSACTION"},
    {"commit", "COMMIT"},
    {"end transaction", "COMMIT"},
    {"rollback work", "ROLLBACK"},
    {"abort", "ROLLBACK"},
    {"lock a, s.b", "LOCK TABLE"},
    {"lock table a in access exclusive mode", "LOCK TABLE"},
    {"set query_group to 'nightly'", "SET"},
    {"set search_path to \"$user\", Sales, public", "SET"},
    {"set session statement_timeout = 60000", "SET"},
    {"set local seed to 0.25", "SET"},
    {"set app.tenant to 'seven'", "SET"},
    {"set enable_result_cache_for_session to off", "SET"},
    {"set datestyle to default", "SET"},
    {"set extra_float_digits = -1", "SET"},
    {"set time zone 'Europe/Vienna'", "SET"},
    {"set time zone local", "SET"},
    {"set time zone interval '-08:00' hour to minute", "SET"},
    {"set timezone = 'UTC'", "SET"},
    {"set names 'utf8'", "SET"},
    {"set session authorization nina", "SET"},
    {"set local session authorization 'nina'", "SET"},
    {"set session authorization default", "SET"},
    {"set session characteristics as transaction isolation level serializable", "SET"},
    {"set transaction read only", "SET"},
    {"set role analyst", "SET"},
    {"set role none", "SET"},
    {"reset all", "RESET"},
    {"reset query_group", "RESET"},
    {"reset app.tenant", "RESET"},
    {"reset session authorization", "RESET"},
    {"reset time zone", "RESET"},
    {"discard all", "DISCARD ALL"},
    {"use warehouse_two", "USE"},
    {"cancel 4711", "CANCEL"},
    {"cancel 4711 'too slow'", "CANCEL"},
};

constexpr Case kTables[] = {
    {"create table t (a int, b varchar(max) not null)", "CREATE TABLE"},
    {"create local temporary table if not exists s.t (a bigint identity(1, 1) distkey sortkey, b "
     "int generated by default as identity(10, -1), c numeric(10, 2) default 0.5 encode az64 not "
     "null, d varchar(9) collate case_insensitive unique, e date null primary key, f int "
     "references "
     "u (k), g char(3) default 'abc' collate ci encode lzo, constraint one unique (a, b), primary "
     "key (a), constraint two foreign key (b) references s.u (k), foreign key (c) references v) "
     "backup no diststyle key distkey (a) compound sortkey (a, b) encode auto",
     "CREATE TABLE"},
    {"create table t (a int constraint c not null, b timestamp with time zone default getdate())",
     "CREATE TABLE"},
    {"create table t (a int identity not null) diststyle even", "CREATE TABLE"},
    {"create temp table #t (like s.u including defaults)", "CREATE TABLE"},
    {"create table t (like u excluding defaults, extra super) diststyle all interleaved sortkey "
     "(x)",
     "CREATE TABLE"},
    {"create table t (a int) diststyle auto sortkey auto backup yes", "CREATE TABLE"},
    {"create table lake.t (a int, b date) using iceberg location 's3://b/t/' partitioned by (a, "
     "bucket(16, a), day(b)) table properties ('format-version'='2')",
     "CREATE TABLE"},
    {"create table t as select 1 as a", "SELECT"},
    {"create temp table if not exists t (a, b) backup no distkey (a) sortkey (a, b) as (select 1, "
     "2)",
     "SELECT"},
    {"create table #t diststyle all distkey (1) sortkey (1, 2) as with w as (select 1 as a) select "
     "a "
     "from w",
     "SELECT"},
    {"create table lake.t using iceberg location 's3://b/t/' as select 1 as a", "SELECT"},
    {"create external table x.t (a int, b struct<c:varchar(9), d:array<map<int, bigint>>>, e date) "
     "partitioned by (p char(3), q date) row format delimited fields terminated by '|' lines "
     "terminated by '\\n' stored as textfile location 's3://b/p/' table properties "
     "('numRows'='12', 'skip.header.line.count'='1')",
     "CREATE EXTERNAL TABLE"},
    {"create external table x.t (a int) row format serde 'org.openx.data.jsonserde.JsonSerDe' with "
     "serdeproperties ('strip.outer.array'='true') stored as inputformat 'i.In' outputformat "
     "'o.Out' location 's3://b/m'",
     "CREATE EXTERNAL TABLE"},
    {"create external table x.t partitioned by (p) stored as parquet location 's3://b/o/' as "
     "select "
     "a, p from t",
     "CREATE EXTERNAL TABLE"},
    {"create view v as select 1 as a", "CREATE VIEW"},
    {"create or replace view s.v (a, b) as select c, d from e with no schema binding",
     "CREATE VIEW"},
    {"create materialized view m backup no diststyle key distkey (a) sortkey (b) auto refresh yes "
     "as "
     "select a, b from t",
     "CREATE MATERIALIZED VIEW"},
    {"create external protected view x.v if not exists as select a from x.t",
     "CREATE EXTERNAL VIEW"},
    {"alter table t add column c int default 1 encode zstd not null", "ALTER TABLE"},
    {"alter table t add d varchar(4) collate case_sensitive", "ALTER TABLE"},
    {"alter table t drop column c cascade", "ALTER TABLE"},
    {"alter table t add constraint k primary key (a)", "ALTER TABLE"},
    {"alter table t add unique (a)", "ALTER TABLE"},
    {"alter table t drop constraint k restrict", "ALTER TABLE"},
    {"alter table t owner to nina", "ALTER TABLE"},
    {"alter table s.t rename to u", "ALTER TABLE"},
    {"alter table t rename column a to b", "ALTER TABLE"},
    {"alter table t alter column a type varchar(300)", "ALTER TABLE"},
    {"alter table t alter column a encode lzo, alter column b encode raw", "ALTER TABLE"},
    {"alter table t alter distkey a, alter sortkey (a, b)", "ALTER TABLE"},
    {"alter table t alter diststyle key distkey a", "ALTER TABLE"},
    {"alter table t alter diststyle all", "ALTER TABLE"},
    {"alter table t alter diststyle even", "ALTER TABLE"},
    {"alter table t alter diststyle auto", "ALTER TABLE"},
    {"alter table t alter compound sortkey (a)", "ALTER TABLE"},
    {"alter table t alter sortkey auto", "ALTER TABLE"},
    {"alter table t alter sortkey none", "ALTER TABLE"},
    {"alter table t alter encode auto", "ALTER TABLE"},
    {"alter table t row level security on conjunction type or for datashares", "ALTER TABLE"},
    {"alter table t masking off for datashares", "ALTER TABLE"},
    {"alter table x.t set location 's3://b/q/'", "ALTER TABLE"},
    {"alter table x.t set file format parquet", "ALTER TABLE"},
    {"alter table x.t set table properties ('numRows'='9')", "ALTER TABLE"},
    {"alter table x.t add if not exists partition (p='a', q=1) location 's3://b/1/' partition "
     "(p='b', q=2) location 's3://b/2/'",
     "ALTER TABLE"},
    {"alter table x.t drop partition (p='a')", "ALTER TABLE"},
    {"alter table x.t partition (p='a') set location 's3://b/3/'", "ALTER TABLE"},
    {"alter view v owner to nina", "ALTER VIEW"},
    {"alter table t append from u ignoreextra", "ALTER TABLE APPEND"},
    {"alter table t append from s.u filltarget", "ALTER TABLE APPEND"},
    {"alter materialized view m auto refresh no", "ALTER MATERIALIZED VIEW"},
    {"alter materialized view m row level security off for datashares", "ALTER MATERIALIZED VIEW"},
    {"alter materialized view m alter distkey a", "ALTER MATERIALIZED VIEW"},
    {"alter external view x.v force as (select a from x.t)", "ALTER EXTERNAL VIEW"},
    {"alter external view x.v remove definition", "ALTER EXTERNAL VIEW"},
    {"refresh materialized view s.m cascade", "REFRESH"},
    {"analyze", "ANALYZE"},
    {"analyze verbose s.t (a, b) predicate columns", "ANALYZE"},
    {"analyze t all columns", "ANALYZE"},
    {"analyze compression", "ANALYZE COMPRESSION"},
    {"analyze compression t (a) comprows 1000", "ANALYZE COMPRESSION"},
    {"vacuum", "VACUUM"},
    {"vacuum full t to 90 percent boost", "VACUUM"},
    {"vacuum sort only t", "VACUUM"},
    {"vacuum delete only t to 75 percent", "VACUUM"},
    {"vacuum reindex t", "VACUUM"},
    {"vacuum recluster s.t boost", "VACUUM"},
};

constexpr Case kObjects[] = {
    {"drop table if exists a, s.b cascade", "DROP TABLE"},
    {"drop view v restrict", "DROP VIEW"},
    {"drop materialized view if exists m", "DROP MATERIALIZED VIEW"},
    {"drop external view x.v if exists", "DROP EXTERNAL VIEW"},
    {"drop schema if exists x, y drop external database cascade", "DROP SCHEMA"},
    {"drop database d", "DROP DATABASE"},
    {"drop function f_area(float, x int) cascade", "DROP FUNCTION"},
    {"drop procedure p(a inout int, in varchar, out double precision)", "DROP PROCEDURE"},
    {"drop library l", "DROP LIBRARY"},
    {"drop model if exists s.m", "DROP MODEL"},
    {"drop template s.t", "DROP TEMPLATE"},
    {"drop datashare ds", "DROP DATASHARE"},
    {"drop user if exists u, idp:v", "DROP USER"},
    {"drop group g", "DROP GROUP"},
    {"drop role r force", "DROP ROLE"},
    {"drop identity provider p cascade", "DROP IDENTITY PROVIDER"},
    {"drop masking policy p", "DROP MASKING POLICY"},
    {"drop rls policy if exists p restrict", "DROP RLS POLICY"},
    {"comment on table s.t is 'what it''s for'", "COMMENT"},
    {"comment on column t.a is null", "COMMENT"},
    {"comment on constraint k on s.t is 'key'", "COMMENT"},
    {"comment on function f(int) is 'area'", "COMMENT"},
    {"comment on materialized view m is 'sum'", "COMMENT"},
    {"comment on database d is 'all'", "COMMENT"},
    {"create schema if not exists s authorization nina quota 50 gb", "CREATE SCHEMA"},
    {"create schema authorization nina quota unlimited", "CREATE SCHEMA"},
    {"create schema s create table t (a int) create view v as select a from t", "CREATE SCHEMA"},
    {"alter schema s rename to t", "ALTER SCHEMA"},
    {"alter schema s owner to nina", "ALTER SCHEMA"},
    {"alter schema s quota 1 tb", "ALTER SCHEMA"},
    {"create external schema if not exists x from data catalog database 'lake' region 'eu-west-1' "
     "iam_role 'arn:aws:iam::1:role/a,arn:aws:iam::1:role/b' catalog_role 'SESSION' catalog_id '1' "
     "create external database if not exists",
     "CREATE SCHEMA"},
    {"create external schema x from hive metastore database 'h' uri '10.0.0.1' port 9083 iam_role "
     "default",
     "CREATE SCHEMA"},
    {"create external schema x from postgres database 'p' schema 'q' uri 'h' port 5432 iam_role "
     "'r' "
     "secret_arn 'arn:aws:secretsmanager:x'",
     "CREATE SCHEMA"},
    {"create external schema x from mysql database 'p' uri 'h' iam_role 'r' secret_arn 's'",
     "CREATE SCHEMA"},
    {"create external schema x from kinesis iam_role default", "CREATE SCHEMA"},
    {"create external schema x from msk iam_role 'r' authentication iam cluster_arn 'c'",
     "CREATE SCHEMA"},
    {"create external schema x from kafka authentication mtls authentication_arn 'a' uri 'b:9092'",
     "CREATE SCHEMA"},
    {"create external schema x from redshift database 'd' schema 's'", "CREATE SCHEMA"},
    {"create external schema x database 'd' iam_role 'r'", "CREATE SCHEMA"},
    {"alter external schema x authentication none uri 'b:9093'", "ALTER SCHEMA"},
    {"create database d with owner = nina connection limit 10 collate case_insensitive isolation "
     "level snapshot",
     "CREATE DATABASE"},
    {"create database d from datashare ds of account '1' namespace 'n-1'", "CREATE DATABASE"},
    {"create database d with permissions from datashare ds of namespace 'n-1'", "CREATE DATABASE"},
    {"create database d from arn 'arn:aws:glue:x' with data catalog schema 's' iam_role default",
     "CREATE DATABASE"},
    {"create database d from arn 'arn:aws:glue:x' with no data catalog schema", "CREATE DATABASE"},
    {"create database d from integration 'i-1' database 'src' set refresh_interval 600 "
     "history_mode "
     "= true acceptinvchars true",
     "CREATE DATABASE"},
    {"alter database d rename to e", "ALTER DATABASE"},
    {"alter database d owner to nina", "ALTER DATABASE"},
    {"alter database d connection limit unlimited", "ALTER DATABASE"},
    {"alter database d collate ci isolation level serializable", "ALTER DATABASE"},
    {"alter database d integration refresh all tables in schema s, t", "ALTER DATABASE"},
    {"alter database d integration refresh inerror tables", "ALTER DATABASE"},
    {"alter database d integration refresh table s.a, s.b", "ALTER DATABASE"},
    {"alter database d integration set query_all_states true truncatecolumns = false",
     "ALTER DATABASE"},
    {"alter database d integration set history_mode = true for table s.a, s.b", "ALTER DATABASE"},
    {"alter database d integration set history_mode true for all tables in schema s",
     "ALTER DATABASE"},
    {"create or replace function f_area(float, float) returns float immutable as $$ select $1 * $2 "
     "$$ language sql",
     "CREATE FUNCTION"},
    {"create function f_len(s varchar, n double precision) returns varchar(9) volatile as 'return "
     "len(s)' language plpythonu",
     "CREATE FUNCTION"},
    {"create function f(timestamp with time zone, interval day to second) returns int stable as "
     "$x$ "
     "select 1 $x$ language sql",
     "CREATE FUNCTION"},
    {"create or replace procedure p(a int, b in varchar(9), inout c bigint, d out date) nonatomic "
     "as "
     "$$ begin null; end; $$ language plpgsql security definer set query_group to 'x'",
     "CREATE PROCEDURE"},
    {"create procedure p() language plpgsql as $$ begin end $$ security invoker",
     "CREATE PROCEDURE"},
    {"create or replace external function f(int, varchar(3)) returns int volatile lambda 'l' "
     "iam_role 'r' retry_timeout 10 max_batch_rows 5 max_batch_size 2 mb",
     "CREATE FUNCTION"},
    {"create external function f(int) returns float stable sagemaker 'e' iam_role default",
     "CREATE FUNCTION"},
    {"alter function f(int, float) rename to g", "ALTER FUNCTION"},
    {"alter procedure p(a inout int) owner to current_user", "ALTER PROCEDURE"},
    {"create or replace library l language plpythonu from 's3://b/l.zip' iam_role 'r' region as "
     "'eu-west-1'",
     "CREATE LIBRARY"},
    {"create library l language plpythonu from 's3://b/l.zip' credentials 'k=v'", "CREATE LIBRARY"},
    {"create model m from t target churn function predict iam_role default auto on problem_type "
     "regression objective 'MSE' settings (s3_bucket 'b', s3_garbage_collect off, max_cells 10)",
     "CREATE MODEL"},
    {"create model m from (select a, b from t) target b function s.predict iam_role 'r' auto off "
     "model_type xgboost objective 'reg:squarederror' preprocessors 'none' hyperparameters default "
     "except (num_round '10', eta 0.5) settings (s3_bucket 'b')",
     "CREATE MODEL"},
    {"create model m from 'job-1' function f (int, float) returns decimal(8, 7) iam_role 'r' "
     "settings (s3_bucket 'b')",
     "CREATE MODEL"},
    {"create model m function f (varchar) returns super sagemaker 'e':'v' iam_role 'r'",
     "CREATE MODEL"},
    {"create external model m function f iam_role default model_type bedrock settings (model_id "
     "'x', "
     "prompt 'p', request_type raw)",
     "CREATE MODEL"},
    {"create or replace template d.s.t for copy as csv delimiter ',' ignoreheader 1 maxerror 5",
     "CREATE TEMPLATE"},
    {"alter template t rename to u", "ALTER TEMPLATE"},
    {"alter template s.t owner to nina", "ALTER TEMPLATE"},
    {"alter template t add timeformat as 'auto'", "ALTER TEMPLATE"},
    {"alter template t drop encrypted", "ALTER TEMPLATE"},
    {"alter template t set delimiter to '|', maxerror to 3", "ALTER TEMPLATE"},
    {"create datashare ds set publicaccessible true, managedby adx", "CREATE DATASHARE"},
    {"alter datashare ds add table s.a, s.b", "ALTER DATASHARE"},
    {"alter datashare ds remove schema s, t", "ALTER DATASHARE"},
    {"alter datashare ds add function s.f(int, varchar), s.g()", "ALTER DATASHARE"},
    {"alter datashare ds add all tables in schema s", "ALTER DATASHARE"},
    {"alter datashare ds remove all functions in schema s, t", "ALTER DATASHARE"},
    {"alter datashare ds set publicaccessible = false", "ALTER DATASHARE"},
    {"alter datashare ds set includenew true for schema s", "ALTER DATASHARE"},
    {"alter system set data_catalog_auto_mount = on", "ALTER SYSTEM"},
};

constexpr Case kAccess[] = {
    {"grant select, insert on table s.a, b to nina with grant option, role r, group g, public",
     "GRANT"},
    {"grant all privileges on t to nina", "GRANT"},
    {"grant select (a, b), update (c) on t to role r", "GRANT"},
    {"grant all on all tables in schema s, t to group g", "GRANT"},
    {"grant usage, create on schema s to nina", "GRANT"},
    {"grant create, temporary on database d to idp:nina", "GRANT"},
    {"grant execute on function f(int, b varchar), g() to nina", "GRANT"},
    {"grant execute on procedure p(int) to public", "GRANT"},
    {"grant execute on all functions in schema s to nina", "GRANT"},
    {"grant usage on language plpythonu to nina", "GRANT"},
    {"grant execute on model m to nina", "GRANT"},
    {"grant alter, drop on copy job j to role r", "GRANT"},
    {"grant usage on template s.t to nina", "GRANT"},
    {"grant share on datashare ds to nina with grant option", "GRANT"},
    {"grant usage on datashare ds to namespace 'n-1'", "GRANT"},
    {"grant usage on ds to account '123456789012' via data catalog", "GRANT"},
    {"grant select (a) on external table x.t to iam_role 'arn:aws:iam::1:role/a'", "GRANT"},
    {"grant create on external schema x to iam_role 'r' with grant option", "GRANT"},
    {"grant role a, role sys:dba to nina with admin option, role b", "GRANT"},
    {"grant a to nina", "GRANT"},
    {"grant create user, drop role, access system table to role r", "GRANT"},
    {"grant create or replace external function, ignore rls to role r", "GRANT"},
    {"grant create model to nina", "GRANT"},
    {"grant assumerole on 'arn:1', 'arn:2' to nina, group g for copy, external function", "GRANT"},
    {"grant assumerole on default to public for all", "GRANT"},
    {"grant select, update for tables in schema s database d to role r", "GRANT"},
    {"grant execute for functions in database d to nina with grant option", "GRANT"},
    {"grant alter for copy jobs in database d to role r", "GRANT"},
    {"grant select on lookup to masking policy m", "GRANT"},
    {"grant select on lookup to rls policy m", "GRANT"},
    {"revoke grant option for select on t from nina restrict", "REVOKE"},
    {"revoke all on schema s from group g cascade", "REVOKE"},
    {"revoke admin option for role a from nina", "REVOKE"},
    {"revoke assumerole on all from public for all", "REVOKE"},
    {"revoke create table from role r", "REVOKE"},
    {"revoke usage on datashare ds from account '1' via data catalog", "REVOKE"},
    {"alter default privileges for user nina, otto in schema s grant select on tables to group g",
     "ALTER DEFAULT PRIVILEGES"},
    {"alter default privileges grant execute on functions to nina with grant option",
     "ALTER DEFAULT PRIVILEGES"},
    {"alter default privileges in schema s, t revoke grant option for all on tables from nina",
     "ALTER DEFAULT PRIVILEGES"},
    {"create user nina with password 'Secret1x' createdb nocreateuser syslog access unrestricted "
     "in "
     "group a, b valid until '2030-01-01' connection limit 5 session timeout 600",
     "CREATE USER"},
    {"create user idp:otto externalid \"ABC\" password disable", "CREATE USER"},
    {"alter user nina rename to otto", "ALTER USER"},
    {"alter user nina password 'sha256|x' nocreatedb connection limit unlimited", "ALTER USER"},
    {"alter user nina reset session timeout", "ALTER USER"},
    {"alter user nina set search_path to s, public", "ALTER USER"},
    {"alter user nina reset query_group", "ALTER USER"},
    {"alter user nina nologin", "ALTER USER"},
    {"alter user nina login password 'Again1y'", "ALTER USER"},
    {"create group g with user nina, otto", "CREATE GROUP"},
    {"create group g", "CREATE GROUP"},
    {"alter group g add user nina, otto", "ALTER GROUP"},
    {"alter group g drop user nina", "ALTER GROUP"},
    {"alter group g rename to h", "ALTER GROUP"},
    {"create role r externalid 'x-1'", "CREATE ROLE"},
    {"alter role r with rename to q", "ALTER ROLE"},
    {"alter role r owner to nina externalid to 'x-2'", "ALTER ROLE"},
    {"create identity provider p type azure namespace 'aad' parameters '{\"client_secret\":\"x\"}' "
     "auto_create_roles true include groups like 'a%'",
     "CREATE IDENTITY PROVIDER"},
    {"alter identity provider p parameters '{}' namespace 'b' disable", "ALTER IDENTITY PROVIDER"},
    {"create rls policy p with (a varchar(10), b int) as r using (r.a = current_user and b > 0)",
     "CREATE RLS POLICY"},
    {"create rls policy p using (true)", "CREATE RLS POLICY"},
    {"create masking policy if not exists m with (a varchar(9)) using ('xx'::text, sha2(a, 256))",
     "CREATE MASKING POLICY"},
    {"alter rls policy d.p using (a = 'b')", "ALTER RLS POLICY"},
    {"alter masking policy m using (null::int)", "ALTER MASKING POLICY"},
    {"attach rls policy p on table s.a, b to nina, role r, public", "ATTACH RLS POLICY"},
    {"attach masking policy m on s.t (a, p.name.first) using (a, b) to role r priority 30",
     "ATTACH MASKING POLICY"},
    {"detach rls policy p on t from role r", "DETACH RLS POLICY"},
    {"detach masking policy m on t (a) from public", "DETACH MASKING POLICY"},
};

constexpr Case kLoads[] = {
    {"copy t from 's3://b/p' iam_role default", "COPY"},
    {"copy s.t (a, b) from 's3://b/m.json' iam_role 'r1,r2' manifest encrypted "
     "master_symmetric_key 'k' region as 'eu-west-1' format as csv quote as '%' delimiter as ';' "
     "gzip acceptanydate acceptinvchars as '^' blanksasnull dateformat 'auto' emptyasnull encoding "
     "utf16le escape explicit_ids fillrecord ignoreblanklines ignoreheader as 1 null as '\\\\N' "
     "removequotes roundec timeformat as 'epochsecs' trimblanks truncatecolumns comprows 9 "
     "compupdate off ignoreallerrors maxerror as 3 noload statupdate on",
     "COPY"},
    {"copy t from 'dynamodb://d' credentials 'aws_iam_role=x' readratio 50", "COPY"},
    {"copy t from 's3://b/h' access_key_id 'a' secret_access_key 'b' session_token 'c' ssh",
     "COPY"},
    {"copy t from 's3://b/j' iam_role 'r' json as 's3://b/paths'", "COPY"},
    {"copy t from 's3://b/j' iam_role 'r' json 'auto ignorecase' bzip2", "COPY"},
    {"copy t from 's3://b/a' iam_role 'r' format avro 'auto'", "COPY"},
    {"copy t from 's3://b/o' iam_role 'r' orc serializetojson", "COPY"},
    {"copy t from 's3://b/q' iam_role 'r' parquet fillrecord", "COPY"},
    {"copy t from 's3://b/s' iam_role 'r' format shapefile simplify auto 0.5", "COPY"},
    {"copy t from 's3://b/f' iam_role 'r' fixedwidth 'a:3,b:4' lzop", "COPY"},
    {"copy t from 's3://b/f' iam_role 'r' delimiter ',', zstd compupdate preset", "COPY"},
    {"copy t from 's3://b/f' iam_role 'r' delimiter ',' using template s.tpl", "COPY"},
    {"copy t from 's3://b/f' iam_role 'r' csv job create nightly auto on", "COPY"},
    {"copy job alter nightly auto off", "COPY JOB"},
    {"copy job run nightly", "COPY JOB"},
    {"copy job list", "COPY JOB"},
    {"copy job show nightly", "COPY JOB"},
    {"copy job drop nightly", "COPY JOB"},
    {"unload ('select a from t where b = ''x''') to 's3://b/u/' iam_role default", "UNLOAD"},
    {"unload ($$select 'a' from t$$) to 's3://b/u/' iam_role 'r' format as parquet partition by "
     "(a, "
     "b) include manifest verbose encrypted auto allowoverwrite parallel off maxfilesize 100 mb "
     "rowgroupsize as 64 mb region 'eu-west-1' kms_key_id 'k'",
     "UNLOAD"},
    {"unload (select a from t) to 's3://b/u/' credentials 'x' header delimiter as ',' addquotes "
     "null "
     "as '' escape cleanpath gzip extension 'csv.gz'",
     "UNLOAD"},
    {"unload ('select 1') to 's3://b/u' iam_role 'r' fixedwidth '0:3' zstd parallel true",
     "UNLOAD"},
};

constexpr Case kShows[] = {
    {"show all", "SHOW"},
    {"show search_path", "SHOW"},
    {"show app.tenant", "SHOW"},
    {"show time zone", "SHOW"},
    {"show transaction isolation level", "SHOW"},
    {"show databases", "SHOW"},
    {"show databases like 'd%' limit 10", "SHOW"},
    {"show databases from data catalog account '1', '2' like 'x%' iam_role default limit 1",
     "SHOW"},
    {"show schemas from database d like 's%'", "SHOW"},
    {"show tables from schema \"D\".s like '%' limit 5", "SHOW"},
    {"show tables from schema $1.$2 like $3", "SHOW"},
    {"show tables from database $1 schema_name like $2 table_name like $3", "SHOW"},
    {"show columns from table d.s.t like 'c%'", "SHOW"},
    {"show columns from database d schema_name like 'a' table_name like 'b' column_name like 'c'",
     "SHOW"},
    {"show functions from schema d.s", "SHOW"},
    {"show procedures from schema d.s like 'p%'", "SHOW"},
    {"show datashares like 'ds%'", "SHOW"},
    {"show templates from schema d.s", "SHOW"},
    {"show constraints primary keys from table d.s.t", "SHOW"},
    {"show constraints foreign keys exported from table $1.$2.$3 limit 9", "SHOW"},
    {"show grants on table d.s.t for role r limit 3", "SHOW"},
    {"show grants on t", "SHOW"},
    {"show grants on function s.f(int, varchar)", "SHOW"},
    {"show grants on database d", "SHOW"},
    {"show grants for nina from database d", "SHOW"},
    {"show grants on tables from database d schema_name like 's' table_name like 't'", "SHOW"},
    {"show column grants on table s.t for public", "SHOW"},
    {"show parameters of procedure d.s.p(int, varchar) like 'a%'", "SHOW"},
    {"show parameters of function $1.$2.$3(int)", "SHOW"},
    {"show rls policies", "SHOW"},
    {"show rls policies on d.s.t for nina limit 2", "SHOW"},
    {"show masking policies from database d", "SHOW"},
    {"show table s.t", "SHOW"},
    {"show view s.v", "SHOW"},
    {"show materialized view s.v", "SHOW"},
    {"show external table x.t partition", "SHOW"},
    {"show procedure p(a int, out varchar)", "SHOW"},
    {"show model all", "SHOW"},
    {"show model s.m", "SHOW"},
    {"show template d.s.t", "SHOW"},
    {"desc datashare ds of account '1' namespace 'n-1'", "DESC"},
    {"desc identity provider p", "DESC"},
};

std::vector<Case> AllCases() {
  std::vector<Case> all;
  const auto add = [&](auto& cases) { all.insert(all.end(), std::begin(cases), std::end(cases)); };
  add(kRows);
  add(kSessions);
  add(kTables);
  add(kObjects);
  add(kAccess);
  add(kLoads);
  add(kShows);
  return all;
}

TEST(ParseStatement, ReadsEveryCommandWithItsClausesAndItsTag) {
  for (const Case& test : AllCases()) {
    SCOPED_TRACE(test.sql);
    const ParsedScript script = ParseWholeScript(test.sql);
    ASSERT_EQ(script.statements.size(), 1u);
    const ParsedStatement& statement = script.statements[0];
    ASSERT_TRUE(statement.tree) << statement.error.message << " at " << statement.error.position;
    EXPECT_EQ(TagOf(*statement.tree), test.tag);
    EXPECT_EQ(statement.tree->begin, 0u);
    EXPECT_EQ(statement.tree->end, test.sql.size());
  }
}

TEST(ParseStatement, PrintsWhatReadsBackEqualAndPrintsTheSame) {
  for (const Case& test : AllCases()) {
    SCOPED_TRACE(test.sql);
    const ParsedScript script = ParseWholeScript(test.sql);
    ASSERT_TRUE(script.statements.at(0).tree);
    const std::string once = Print(*script.statements[0].tree);
    const ParsedScript again = ParseWholeScript(once);
    ASSERT_EQ(again.statements.size(), 1u) << once;
    ASSERT_TRUE(again.statements[0].tree) << once << ": " << again.statements[0].error.message;
    EXPECT_TRUE(ast::Equal(*script.statements[0].tree, *again.statements[0].tree)) << once;
    EXPECT_EQ(Print(*again.statements[0].tree), once);
  }
}

TEST(ParseStatement, HasACaseForEveryKindOfStatementAndPart) {
  std::set<ast::NodeKind> seen;
  for (const Case& test : AllCases()) {
    const ParsedScript script = ParseWholeScript(test.sql);
    if (!script.statements.at(0).tree) continue;
    ast::Walk(*script.statements[0].tree, [&](const ast::Node& node) {
      seen.insert(node.kind);
      return true;
    });
  }
#define SKEP_AST_KIND(name) EXPECT_TRUE(seen.contains(ast::NodeKind::k##name)) << #name;
#include "sql/ast/statement_kinds.inc"
  SKEP_AST_RELATIONS(SKEP_AST_KIND)
#undef SKEP_AST_KIND
}

TEST(ParseStatement, FindsNoTwoCasesEqual) {
  const auto cases = AllCases();
  std::set<std::string> printed;
  size_t same = 0;
  for (const Case& test : cases) {
    const ParsedScript script = ParseWholeScript(test.sql);
    if (!script.statements.at(0).tree) continue;
    same += !printed.insert(Print(*script.statements[0].tree)).second;
  }
  // commit and end, rollback and abort, fetch forward all and fetch all
  EXPECT_EQ(same, 3u);
}

TEST(ParseStatement, PrintsOneFormForManySpellings) {
  static constexpr std::pair<std::string_view, std::string_view> kForms[] = {
      {"SELECT  A , \"B\"+1\nFROM \"c\" AS \"D\" -- end", "select a, \"B\" + 1 from c as \"D\""},
      {"select (a+b)*c, a+(b*c), (a-b)-c, a-(b-c)",
       "select (a + b) * c, a + b * c, a - b - c, a - (b - c)"},
      {"select not (a and (b or c)), (not a) = b", "select not (a and (b or c)), (not a) = b"},
      {"select - -1, -(-a), ~ ~b, @ -c", "select - -1, - -a, ~ ~b, @ -c"},
      {"select a::int::text, (a+b)::int, cast(a as float8), convert(varchar(3), b)",
       "select a::int::text, (a + b)::int, cast(a as double precision), convert(varchar(3), b)"},
      {"select (t.a).b, t.a[0].b, (t.a).*", "select (t.a).b, t.a[0].b, (t.a).*"},
      {"select ts at time zone 'a' at time zone 'b'",
       "select ts at time zone 'a' at time zone 'b'"},
      {"select 'it''s', E'a\\\\b', $$x'y$$", "select 'it''s', 'a\\\\b', 'x''y'"},
      {"select \"select\", \"count\"(a), \"Group\"", "select \"select\", count(a), \"Group\""},
      {"Create Table T(A INTEGER Not Null)", "create table t (a int not null)"},
      {"copy t from 's3://b' with credentials as 'x' format as csv null as 'n'",
       "copy t from 's3://b' credentials 'x' csv null 'n'"},
      {"delete t", "delete from t"},
      {"END WORK;", "commit"},
  };
  for (const auto& [sql, printed] : kForms) {
    const ParsedScript script = ParseWholeScript(sql);
    ASSERT_TRUE(script.statements.at(0).tree) << sql << script.statements[0].error.message;
    EXPECT_EQ(Print(*script.statements[0].tree), printed) << sql;
  }
}

TEST(StatementTag, ClassifiesWork) {
  static constexpr std::pair<std::string_view, WorkClass> kClasses[] = {
      {"select 1", WorkClass::kRead},
      {"select a into b from c", WorkClass::kDefinition},
      {"insert into t values (1)", WorkClass::kWrite},
      {"create table t (a int)", WorkClass::kDefinition},
      {"begin", WorkClass::kTransaction},
      {"set x to 1", WorkClass::kSetting},
      {"vacuum", WorkClass::kMaintenance},
      {"grant a to b", WorkClass::kAccess},
      {"copy t from 's3://b' iam_role default", WorkClass::kLoad},
      {"show tables from schema s", WorkClass::kShow},
      {"explain delete from t", WorkClass::kRead},
      {"explain analyze delete from t", WorkClass::kWrite},
      {"deallocate p", WorkClass::kNothing},
  };
  for (const auto& [sql, work] : kClasses) {
    const ParsedScript script = ParseWholeScript(sql);
    ASSERT_TRUE(script.statements.at(0).tree) << sql;
    EXPECT_EQ(ClassOf(*script.statements[0].tree), work) << sql;
  }
}

TEST(ParseStatement, TakesParametersWhereShowHasNames) {
  const ParsedScript script = ParseWholeScript("show tables from schema $2.$1 like $3");
  const auto* show = ast::As<ast::ShowObjects>(script.statements.at(0).tree);
  ASSERT_TRUE(show);
  ASSERT_EQ(show->in.size(), 2u);
  EXPECT_EQ(ast::ParameterOf(show->in[0]), 2u);
  EXPECT_EQ(ast::ParameterOf(show->in[1]), 1u);
  EXPECT_EQ(ast::HighestParameter(*show), 3u);
}

TEST(ParseStatement, KeepsThePlaceOfABody) {
  const std::string_view sql =
      "create function f(int) returns int stable as $x$ select $1 $x$ language sql";
  const ParsedScript script = ParseWholeScript(sql);
  const auto* function = ast::As<ast::CreateFunction>(script.statements.at(0).tree);
  ASSERT_TRUE(function);
  EXPECT_EQ(function->body->text, " select $1 ");
  EXPECT_EQ(sql.substr(function->body->begin, function->body->end - function->body->begin),
            "$x$ select $1 $x$");
}

}  // namespace
}  // namespace skep::sql
