#include "sql/emit/duckdb_catalog.h"

#include <algorithm>

#include "base/text.h"
#include "sql/quoting.h"

namespace skep::sql {
namespace {

struct SystemRelation {
  std::string_view schema, name;
  std::string_view condition;  // of the rows that users may see; empty: all of them
  std::string_view columns = "*";
  std::string_view more = "";  // rows that the engine does not know, behind its own
};
constexpr SystemRelation kRelations[] = {
    {"information_schema", "columns", "table_schema <> 'skep_catalog'"},
    {"information_schema", "schemata", "schema_name <> 'skep_catalog'", "*",
     "select current_database(), schemaname, 'skep', null, null, null, null from "
     "rs_external_schemas()"},
    {"information_schema", "tables", "table_schema <> 'skep_catalog'"},
    {"information_schema", "views", "table_schema <> 'skep_catalog'"},
    {"pg_catalog", "pg_attrdef", ""},
    {"pg_catalog", "pg_attribute",
     "attrelid not in (select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on "
     "n.oid = c.relnamespace where n.nspname = 'skep_catalog')"},
    {"pg_catalog", "pg_class",
     "relnamespace not in (select oid from pg_catalog.pg_namespace where nspname = "
     "'skep_catalog')"},
    {"pg_catalog", "pg_constraint", ""},
    {"pg_catalog", "pg_database", ""},
    // What the engine calls a comment holds facts of ours (docs/adr/0005) beside the user's own.
    {"pg_catalog", "pg_description",
     "case when description like '{%' then json_extract_string(description, '$.comment') else "
     "description end is not null",
     "objoid, classoid, objsubid, case when description like '{%' then "
     "json_extract_string(description, '$.comment') else description end as description"},
    {"pg_catalog", "pg_namespace", "nspname <> 'skep_catalog'", "*",
     "select esoid, schemaname, esowner, null from rs_external_schemas()"},
    {"pg_catalog", "pg_tables", "schemaname <> 'skep_catalog'"},
    {"pg_catalog", "pg_type", ""},
    {"pg_catalog", "pg_views", "schemaname <> 'skep_catalog'"},
};

// Views of ours, over what the worker's functions answer: the columns as users see them.
struct SystemView {
  std::string_view name;
  std::string_view columns;  // "name:type,..."
  std::string_view text;
};
constexpr SystemView kViews[] = {
    {"stl_load_errors",
     "userid:int,slice:int,tbl:int,starttime:timestamp,session:int,query:int,filename:varchar(256),"
     "line_number:bigint,colname:varchar(127),type:varchar(20),col_length:varchar(10),position:int,"
     "raw_line:varchar(1024),raw_field_value:varchar(1024),err_code:int,err_reason:varchar(512),"
     "is_partial:int,start_offset:bigint,copy_job_id:bigint",
     "select 100::integer, 0::integer, 0::integer, loaded_at, process_id, query_id::integer, "
     "file_name, "
     "line_number, column_name, column_type, column_length, position, record, value, code, reason, "
     "0::integer, 0::bigint, (select max(l.job_id) from rs_kept('loads') l where l.query_id = "
     "e.query_id) from "
     "rs_kept('load_errors') e"},
    {"sys_load_error_detail",
     "user_id:int,query_id:bigint,transaction_id:bigint,session_id:int,database_name:varchar(64),"
     "table_id:int,start_time:timestamp,file_name:varchar(256),line_number:bigint,"
     "column_name:varchar(127),column_type:varchar(20),column_length:varchar(10),position:int,"
     "error_code:int,error_message:varchar(512)",
     "select 100::integer, query_id, 0::bigint, process_id, current_database(), 0::integer, "
     "loaded_at, "
     "file_name, line_number, column_name, column_type, column_length, position, code, reason from "
     "rs_kept('load_errors')"},
    {"sys_spatial_simplify",
     "query_id:bigint,line_number:bigint,maximum_tolerance:float8,initial_size:bigint,"
     "simplified:char(1),final_size:bigint,final_tolerance:float8",
     "select * from rs_kept('simplified')"},
    {"svl_spatial_simplify",
     "query:int,line_number:int,maximum_tolerance:float8,initial_size:int,simplified:char(1),"
     "final_size:int,final_tolerance:float8",
     "select query_id::integer, line_number::integer, maximum_tolerance, initial_size::integer, "
     "simplified, final_size::integer, final_tolerance from rs_kept('simplified')"},
    {"sys_load_history",
     "user_id:int,query_id:bigint,transaction_id:bigint,session_id:int,database_name:varchar(128),"
     "status:varchar(16),table_name:varchar(128),start_time:timestamp,end_time:timestamp,"
     "duration:bigint,data_source:varchar(2056),file_format:varchar(16),loaded_rows:bigint,"
     "loaded_bytes:bigint,source_file_count:int,source_file_bytes:bigint,file_count_scanned:int,"
     "file_bytes_scanned:bigint,error_count:bigint,copy_job_id:bigint,error_message:varchar(65535)",
     "select 100::integer, query_id, 0::bigint, process_id, current_database(), status, "
     "table_name, began, ended, date_diff('microsecond', began, ended), location, format, "
     "loaded_rows, loaded_bytes, files::integer, file_bytes, files::integer, file_bytes, errors, "
     "job_id, message from rs_kept('loads')"},
    {"sys_load_detail",
     "user_id:int,query_id:bigint,file_name:varchar(256),bytes_scanned:bigint,"
     "lines_scanned:bigint,record_time:timestamp,splits_scanned:int,start_time:timestamp,"
     "end_time:timestamp,file_etag:varchar(256),file_last_modified:timestamp",
     "select 100::integer, query_id, file_name, bytes, lines, ended, 1::integer, began, ended, "
     "etag, modified from rs_kept('load_files')"},
    {"stl_load_commits",
     "userid:int,query:int,slice:int,name:varchar(256),filename:varchar(256),byte_offset:int,"
     "lines_scanned:int,errors:int,curtime:timestamp,status:int,file_format:varchar(16),"
     "is_partial:int,start_offset:bigint,copy_job_id:bigint",
     "select 100::integer, f.query_id::integer, 0::integer, '', f.file_name, 0::integer, "
     "f.lines::integer, 0::integer, f.ended, 1::integer, l.format, 0::integer, 0::bigint, l.job_id "
     "from rs_kept('load_files') f join rs_kept('loads') l on l.query_id = f.query_id"},
    {"sys_unload_history",
     "user_id:int,query_id:bigint,transaction_id:bigint,session_id:int,database_name:varchar(128),"
     "status:varchar(16),start_time:timestamp,end_time:timestamp,duration:bigint,"
     "file_format:varchar(16),compression_type:varchar(16),unloaded_location:varchar(2056),"
     "unloaded_rows:bigint,unloaded_files_count:bigint,unloaded_files_size:bigint,"
     "error_message:varchar(65535)",
     "select 100::integer, query_id, 0::bigint, process_id, current_database(), status, began, "
     "ended, date_diff('microsecond', began, ended), format, compression, location, "
     "unloaded_rows, files, file_bytes, message from rs_kept('unloads')"},
    {"sys_unload_detail",
     "user_id:int,query_id:bigint,session_id:int,transaction_id:bigint,file_name:varchar(1280),"
     "start_time:timestamp,end_time:timestamp,line_count:bigint,transfer_size:bigint,"
     "file_format:varchar(10)",
     "select 100::integer, f.query_id, u.process_id, 0::bigint, f.file_name, u.began, f.ended, "
     "f.lines, f.bytes, u.format from rs_kept('unload_files') f join rs_kept('unloads') u on "
     "u.query_id = f.query_id"},
    {"stl_unload_log",
     "userid:int,query:int,slice:int,pid:int,path:varchar(1280),start_time:timestamp,"
     "end_time:timestamp,line_count:bigint,transfer_size:bigint,file_format:varchar(10)",
     "select 100::integer, f.query_id::integer, 0::integer, u.process_id, f.file_name, u.began, "
     "f.ended, f.lines, f.bytes, u.format from rs_kept('unload_files') f join rs_kept('unloads') u "
     "on u.query_id = f.query_id"},
    {"sys_copy_job",
     "job_id:bigint,job_name:varchar(128),iam_role:varchar(2048),job_text:varchar(256),is_auto:int,"
     "on_error_suspend:int",
     "select job_id, job_name, iam_role, left(job_text, 256), is_auto::integer, 0::integer from "
     "rs_kept('copy_jobs')"},
    {"sys_copy_job_detail",
     "user_id:int,database_name:varchar(128),job_id:bigint,job_name:varchar(128),"
     "file_location:varchar(128),file_name:varchar(1024),file_size:bigint,file_etag:varchar(256),"
     "job_text:varchar(256),modification_time:timestamp,enqueue_time:timestamp,status:varchar(1)",
     "select 100::integer, current_database(), f.job_id, j.job_name, split_part(f.path, '/', 3), "
     "substr(f.path, 7 + length(split_part(f.path, '/', 3))), f.size, f.etag, left(j.job_text, "
     "256), f.modified, f.enqueued, f.status from rs_kept('copy_job_files') f join "
     "rs_kept('copy_jobs') j on j.job_id = f.job_id where f.status <> 'S'"},
    {"sys_copy_job_info",
     "job_id:bigint,job_name:varchar(128),database_name:varchar(128),record_time:timestamp,"
     "message:varchar(512)",
     "select job_id, job_name, current_database(), recorded, left(message, 512) from "
     "rs_kept('copy_job_messages')"},
    {"pg_external_schema", "esoid:oid,eskind:int,esdbname:varchar(128),esoptions:varchar(4096)",
     "select esoid, eskind::integer, databasename, esoptions from rs_external_schemas()"},
    {"svv_external_schemas",
     "esoid:oid,eskind:smallint,schemaname:name,esowner:int,databasename:varchar(128),"
     "esoptions:varchar(4096)",
     "select * from rs_external_schemas()"},
    {"svv_external_databases",
     "eskind:int,esoptions:varchar(4096),databasename:varchar(255),location:varchar(1024),"
     "parameters:varchar(65535)",
     "select * from rs_external_databases()"},
    {"svv_external_tables",
     "redshift_database_name:varchar(128),schemaname:varchar(128),tablename:varchar(255),"
     "tabletype:varchar(32),location:varchar(2056),input_format:varchar(256),"
     "output_format:varchar(256),serialization_lib:varchar(256),serde_parameters:varchar(65535),"
     "compressed:int,parameters:varchar(65535)",
     "select * from rs_external_tables()"},
    {"svv_external_columns",
     "redshift_database_name:varchar(128),schemaname:varchar(128),tablename:varchar(255),"
     "columnname:varchar(255),external_type:varchar(65535),columnnum:int,part_key:int,"
     "is_nullable:varchar(8)",
     "select * from rs_external_columns()"},
    {"svv_external_partitions",
     "schemaname:varchar(128),tablename:varchar(255),values:varchar(65535),location:varchar(128),"
     "input_format:varchar(256),output_format:varchar(256),serialization_lib:varchar(256),"
     "serde_parameters:varchar(65535),compressed:int,parameters:varchar(65535)",
     "select * from rs_external_partitions()"},
    // What ran is told by rs_external_scans(), one row for each scan of a table.
    {"sys_external_query_detail",
     "user_id:int,query_id:bigint,transaction_id:bigint,child_query_sequence:int,segment_id:int,"
     "source_type:varchar(32),start_time:timestamp,end_time:timestamp,duration:bigint,"
     "total_partitions:int,qualified_partitions:int,scanned_files:int,returned_rows:bigint,"
     "returned_bytes:bigint,file_format:varchar(16),file_location:varchar(2056),"
     "external_query_text:varchar(65535),warning_message:varchar(4000),table_name:varchar(136),"
     "is_recursive:varchar(1),is_nested:varchar(1),s3list_time:bigint,get_partition_time:bigint,"
     "query_uuid:varchar(36)",
     "select 100::integer, query, 0::bigint, 1::integer, segment::integer, case when format = "
     "'postgres' then 'PG' else 'S3' end, began, ended, "
     "date_diff('microsecond', began, ended), partitions::integer, case when partitions > 0 then "
     "qualified else 0 end::integer, files::integer, case when format = 'postgres' then row_count "
     "end, bytes, format, location, nullif(query_text, ''), error, current_database() || '.' || "
     "table_name, 't', case when nested = 1 "
     "then "
     "'t' else 'f' end, list_us, partition_us, statement from rs_external_scans() where load = 0"},
    {"sys_external_query_error",
     "user_id:int,query_id:bigint,file_location:varchar(2056),rowid:varchar(2100),"
     "column_name:varchar(127),original_value:varchar(1024),modified_value:varchar(1024),"
     "trigger:varchar(4000),action:varchar(16),action_value:varchar(127),error_code:int",
     "select 100::integer, query, location, null::varchar, null::varchar, null::varchar, "
     "null::varchar, error, 'FAIL', null::varchar, 0::integer from rs_external_scans() where error "
     "<> '' and load = 0 union all select 100::integer, query, location, rowid, colname, "
     "original_value, modified_value, 'UNSPECIFIED', action, '', error_code from "
     "rs_external_errors()"},
    {"svl_spectrum_scan_error",
     "userid:int,query:int,location:varchar(256),rowid:varchar(2100),colname:varchar(127),"
     "original_value:varchar(1024),modified_value:varchar(1024),trigger:varchar(4000),"
     "action:varchar(16),action_value:varchar(127),error_code:int",
     "select 100::integer, query::integer, location, rowid, colname, original_value, "
     "modified_value, 'UNSPECIFIED', action, '', error_code from rs_external_errors()"},
    {"svl_s3query",
     "userid:int,query:int,segment:int,step:int,node:int,slice:int,starttime:timestamp,"
     "endtime:timestamp,elapsed:int,external_table_name:varchar(136),file_format:varchar(16),"
     "is_partitioned:varchar(1),is_rrscan:varchar(1),is_nested:varchar(1),s3_scanned_rows:bigint,"
     "s3_scanned_bytes:bigint,s3query_returned_rows:bigint,s3query_returned_bytes:bigint,files:int,"
     "splits:int,total_split_size:bigint,max_split_size:bigint,total_retries:int,max_retries:int,"
     "max_request_duration:int,avg_request_duration:double,max_request_parallelism:int,"
     "avg_request_parallelism:double",
     "select 100::integer, query::integer, segment::integer, 0::integer, 0::integer, 0::integer, "
     "began, ended, date_diff('microsecond', began, ended)::integer, current_database() || '.' || "
     "table_name, format, case when partitions > 0 then 't' else 'f' end, case when partitions > 0 "
     "then 't' else 'f' end, case when nested = 1 then 't' else 'f' end, null::bigint, bytes, "
     "null::bigint, bytes, files::integer, requests::integer, bytes, null::bigint, 0::integer, "
     "0::integer, longest_us::integer, request_us::double / nullif(requests, 0), null::integer, "
     "null::double from rs_external_scans() where load = 0 and format <> 'postgres'"},
    {"svl_s3query_summary",
     "userid:int,query:int,xid:bigint,pid:int,segment:int,step:int,starttime:timestamp,"
     "endtime:timestamp,elapsed:int,aborted:int,external_table_name:varchar(136),"
     "file_format:varchar(16),is_partitioned:varchar(1),is_rrscan:varchar(1),is_nested:varchar(1),"
     "s3_scanned_rows:bigint,s3_scanned_bytes:bigint,s3query_returned_rows:bigint,"
     "s3query_returned_bytes:bigint,files:int,files_max:int,files_avg:int,splits:int,"
     "splits_max:int,splits_avg:int,total_split_size:bigint,max_split_size:bigint,"
     "avg_split_size:bigint,total_retries:int,max_retries:int,max_request_duration:int,"
     "avg_request_duration:double,max_request_parallelism:int,avg_request_parallelism:double,"
     "total_slowdown_count:int,max_slowdown_count:int",
     "select 100::integer, query::integer, 0::bigint, pid, segment::integer, 0::integer, began, "
     "ended, date_diff('microsecond', began, ended)::integer, case when error <> '' then 1 else 0 "
     "end::integer, current_database() || '.' || table_name, format, case when partitions > 0 then "
     "'t' else 'f' end, case when partitions > 0 then 't' else 'f' end, case when nested = 1 then "
     "'t' else 'f' end, null::bigint, bytes, null::bigint, bytes, files::integer, files::integer, "
     "files::integer, requests::integer, requests::integer, requests::integer, bytes, "
     "null::bigint, "
     "(bytes // nullif(requests, 0))::bigint, 0::integer, 0::integer, longest_us::integer, "
     "request_us::double / nullif(requests, 0), null::integer, null::double, 0::integer, "
     "0::integer "
     "from rs_external_scans() where load = 0 and format <> 'postgres'"},
    {"svl_s3partition",
     "query:int,segment:int,node:int,slice:int,starttime:timestamp,endtime:timestamp,"
     "duration:bigint,total_partitions:int,qualified_partitions:int,assigned_partitions:int,"
     "assignment:varchar(1)",
     "select query::integer, segment::integer, 0::integer, 0::integer, began, ended, partition_us, "
     "partitions::integer, qualified::integer, qualified::integer, 'p' from rs_external_scans() "
     "where load = 0 and format <> 'postgres' and partitions > 0"},
    {"svl_s3list",
     "query:int,segment:int,node:int,slice:int,eventtime:timestamp,bucket:varchar(128),"
     "prefix:varchar(1024),recursive:varchar(1),retrieved_files:int,max_file_size:bigint,"
     "avg_file_size:double,generated_splits:int,avg_split_length:double,duration:bigint",
     "select query::integer, segment::integer, 0::integer, 0::integer, began, split_part(location, "
     "'/', 3), substr(location, 7 + length(split_part(location, '/', 3))), 't', "
     "files_listed::integer, null::bigint, bytes_listed::double / nullif(files_listed, 0), "
     "requests::integer, bytes::double / nullif(requests, 0), list_us from rs_external_scans() "
     "where load = 0 and format <> 'postgres' and lists > 0"},
    {"svl_federated_query",
     "userid:int,xid:bigint,pid:int,query:int,sourcetype:varchar(32),recordtime:timestamp,"
     "querytext:varchar(4000),num_rows:bigint,num_bytes:bigint,duration:bigint",
     "select 100::integer, 0::bigint, pid, query::integer, 'PG', began, substr(query_text, 1, "
     "4000), row_count, bytes, date_diff('microsecond', began, ended) from rs_external_scans() "
     "where format = 'postgres' and query_text <> ''"},
};

const SystemView* FindView(std::string_view schema, std::string_view name) {
  const auto it = std::ranges::find(kViews, name, &SystemView::name);
  return schema != "pg_catalog" || it == std::end(kViews) ? nullptr : it;
}

const SystemRelation* FindSystem(std::string_view schema, std::string_view name) {
  const auto it = std::ranges::find_if(
      kRelations, [&](const auto& r) { return r.schema == schema && r.name == name; });
  return it == std::end(kRelations) ? nullptr : it;
}

}  // namespace

bool IsAutoMounted(std::string_view schema) {
  return schema.size() > kAutoMounted.size() && schema.starts_with(kAutoMounted) &&
         schema[kAutoMounted.size()] == '.';
}

bool IsReservedSchema(std::string_view name) {
  const std::string folded = Lower(name);
  return folded == kHiddenSchema || folded == kLakeCatalog || folded == "main" ||
         folded == "temp" || folded == "system" || folded == "information_schema" ||
         folded.starts_with("pg_");
}

bool IsSystemRelation(std::string_view schema, std::string_view name) {
  return FindSystem(schema, name) != nullptr || FindView(schema, name) != nullptr;
}

std::vector<Column> SystemViewColumns(std::string_view schema, std::string_view name) {
  std::vector<Column> columns;
  const SystemView* view = FindView(schema, name);
  for (std::string_view rest = view ? view->columns : std::string_view(); !rest.empty();) {
    const size_t end = std::min(rest.find(','), rest.size()), colon = rest.find(':');
    columns.push_back({std::string(rest.substr(0, colon)),
                       ParseCompactType(rest.substr(colon + 1, end - colon - 1))});
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return columns;
}

std::string SystemRelationText(std::string_view schema, std::string_view name) {
  if (const SystemView* view = FindView(schema, name)) {
    std::string columns;
    for (const Column& column : SystemViewColumns(schema, name))
      columns += (columns.empty() ? "" : ", ") + QuoteName(column.name);
    return "(select * from (" + std::string(view->text) + ") as rows(" + columns + "))";
  }
  std::string text = QuoteName(schema) + "." + QuoteName(name);
  const SystemRelation* relation = FindSystem(schema, name);
  if (!relation || relation->condition.empty()) return text;
  return "(select " + std::string(relation->columns) + " from " + text + " where " +
         std::string(relation->condition) +
         (relation->more.empty() ? "" : " union all " + std::string(relation->more)) + ")";
}

}  // namespace skep::sql
