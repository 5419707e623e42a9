// Messages between gateway and worker: plain structs and their codec. Three kinds of socket carry
// them:
//   session socket  SOCK_STREAM, one per session attached to a worker. Frames: u32 payload length
//   (little-endian), u8 FrameType,
//                   3 zero bytes, payload. A kRows payload holds whole PostgreSQL messages
//                   (RowDescription, DataRow), ready for the client, at most kMaxRowsFrame bytes
//                   unless one row is larger.
//   control socket  SOCK_SEQPACKET, one per worker: one Control message per packet; kOpenSession
//   carries the session socket. lake socket     SOCK_SEQPACKET, one per worker: requests from the
//   worker, replies (a block carries a read-only descriptor).
// The worker is hostile to the gateway: every Decode is bounded and answers false for anything
// malformed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace skep::ipc {

inline constexpr size_t kFrameHeader = 8;
inline constexpr uint32_t kMaxFrame = 64u << 20;
inline constexpr uint32_t kMaxRowsFrame = 256u << 10;
inline constexpr uint32_t kMaxPacket =
    1u << 20;  // SEQPACKET messages; both ends set SO_SNDBUF accordingly.
inline constexpr uint64_t kBlockBytes = 8u << 20;
// A result format beside 0 (text) and 1 (binary): binary with numerics as Redshift's protocol
// version 2 has them, scaled integers of 8 or 16 bytes (clients.md).
// Both are of Redshift's drivers, whose intervals are those of PostgreSQL 8.0: microseconds and
// months, without days between.
inline constexpr uint16_t kRedshiftBinary = 2, kDriverBinary = 3;

enum class FrameType : uint8_t {
  // gateway -> worker
  kAttach = 1,       // AttachSession; first frame of a session socket
  kExecute = 2,      // ExecuteStatement
  kDescribe = 3,     // DescribeStatement
  kFetch = 4,        // FetchPortal
  kClosePortal = 5,  // payload: portal name
  kInfer = 6,        // InferRequest (crawler)
  // worker -> gateway: any number of kRows and kNotice, then exactly one of the others per request
  // (kClosePortal has no answer)
  kRows = 16,
  kComplete = 17,   // StatementComplete
  kError = 18,      // StatementError
  kDescribed = 19,  // StatementDescription
  kNotice = 20,     // WireError
  kInferred = 21,   // InferReply
  kAttached = 22,   // empty
};

// An Error as it travels, with the transaction state it leaves behind.
struct WireError {
  Error error;
  void Encode(ByteWriter& w) const;
  bool Decode(ByteReader& r);
  bool operator==(const WireError&) const = default;
};

using Settings = std::vector<std::pair<std::string, std::string>>;  // lower-case name, value

struct AttachSession {
  std::string session_id;  // UUID
  std::string
      database;  // Redshift database name, e.g. "dev"; the file is databases/<database>.duckdb
  std::string user;
  uint32_t process_id = 0;  // what pg_backend_pid() answers
  Settings settings;        // search_path, timezone, statement_timeout (ms), query_group, ...
  void Encode(ByteWriter& w) const;
  bool Decode(ByteReader& r);
  bool operator==(const AttachSession&) const = default;
};

// A bound parameter as the client sent it; the worker reads it by `format` (0 text, 1 binary) and
// the statement's type.
struct Parameter {
  std::optional<std::string> value;  // nullopt = NULL
  uint16_t format = 0;
  bool operator==(const Parameter&) const = default;
};

struct ExecuteStatement {
  std::string statement_id;  // UUID
  std::string text;          // one statement as the user wrote it (the worker parses and emits)
  std::vector<uint32_t> parameter_types;  // OIDs, 0 = to be inferred
  std::vector<Parameter> parameters;
  std::vector<uint16_t> result_formats;  // empty = all text, one = for all, else one per column;
                                         // kRedshiftBinary is one more
  bool describe = false;      // send RowDescription before the rows (simple protocol, Data API)
  bool begin_first = false;   // BEGIN before it (a lazily started transaction)
  bool commit_after = false;  // COMMIT after it, within the same answer
  std::string portal;         // with max_rows > 0: keep the result under this name and suspend
  uint64_t max_rows = 0;      // 0 = all
  uint64_t timeout_ms = 0;    // 0 = none
  Settings settings;          // settings changed since the last statement
  void Encode(ByteWriter& w) const;
  bool Decode(ByteReader& r);
  bool operator==(const ExecuteStatement&) const = default;
};

struct DescribeStatement {
  std::string text;
  std::vector<uint32_t> parameter_types;
  Settings settings;
  bool begin_first = false;
  void Encode(ByteWriter& w) const;
  bool Decode(ByteReader& r);
  bool operator==(const DescribeStatement&) const = default;
};

struct FetchPortal {
  std::string portal;
  uint64_t max_rows = 0;
  void Encode(ByteWriter& w) const;
  bool Decode(ByteReader& r);
  bool operator==(const FetchPortal&) const = default;
};

// 'I' idle, 'T' in a transaction, 'E' in a failed one (already rolled back in the engine).
struct StatementComplete {
  std::string tag;         // CommandComplete text, e.g. "SELECT 5", "INSERT 0 3"
  uint64_t rows = 0;       // returned or affected
  bool suspended = false;  // PortalSuspended instead of CommandComplete
  bool has_result = false;
  char transaction = 'I';
  bool temporary_tables = false;  // the session now owns temporary tables: do not detach
  uint64_t compile_us = 0;
  uint64_t run_us = 0;
  uint64_t lake_bytes = 0;
  void Encode(ByteWriter& w) const;
  bool Decode(ByteReader& r);
  bool operator==(const StatementComplete&) const = default;
};

struct StatementError {
  WireError error;
  char transaction = 'I';
  void Encode(ByteWriter& w) const;
  bool Decode(ByteReader& r);
  bool operator==(const StatementError&) const = default;
};

struct ResultColumn {
  std::string name;
  uint32_t type_oid = 0;
  int16_t type_size = -1;
  int32_t type_modifier = -1;
  bool operator==(const ResultColumn&) const = default;
};

struct StatementDescription {
  std::vector<uint32_t> parameter_types;
  std::vector<ResultColumn> columns;  // empty = NoData
  char transaction = 'I';
  void Encode(ByteWriter& w) const;
  bool Decode(ByteReader& r);
  bool operator==(const StatementDescription&) const = default;
};

// Asks a worker to find the schema of one object. Both go through the lake socket: `scan` names a
// grant the gateway made.
struct InferRequest {
  uint64_t scan = 0;
  std::string path;  // s3://bucket/key
  std::string etag;
  uint64_t size = 0;
  std::string format;       // "csv", "json", "parquet"; empty = find out
  std::string compression;  // "", "gzip", "zstd"
  // A custom classifier to try, ("classifier", "csv" | "grok" | "json") first; see infer.h.
  std::vector<std::pair<std::string, std::string>> options = {};
  void Encode(ByteWriter& w) const;
  bool Decode(ByteReader& r);
  bool operator==(const InferRequest&) const = default;
};

struct InferredColumn {
  std::string name;
  std::string
      type;  // Hive/Glue type: bigint, double, string, decimal(10,2), timestamp, struct<a:int>
  bool operator==(const InferredColumn&) const = default;
};

struct InferReply {
  std::string format;
  std::vector<InferredColumn> columns;
  std::string delimiter, quote, escape;  // csv
  bool header = false;                   // csv
  uint64_t rows = 0;                     // estimate; exact for Parquet
  // Parameters of the SerDe that only the file itself knows ("avro.schema.literal").
  std::vector<std::pair<std::string, std::string>> properties = {};
  uint64_t certainty = 100;  // percent of the sample that the classifier understood
  void Encode(ByteWriter& w) const;
  bool Decode(ByteReader& r);
  bool operator==(const InferReply&) const = default;
};

// ---------------------------------------------------------------- control socket

enum class ControlType : uint8_t {
  kBind = 1,         // gateway -> worker: WorkerBinding; answered by kBound or kFailed
  kOpenSession = 2,  // gateway -> worker, with a descriptor: the session socket
  kCancel = 3,       // gateway -> worker: text = session id; stops its running statement
  kShutdown = 4,     // gateway -> worker: checkpoint and exit
  kBound = 16,       // worker -> gateway: text = sandbox summary ("landlock=7 seccomp=on ...")
  kFailed = 17,      // worker -> gateway: text = why binding failed
};

// What a worker becomes. It locks itself down to these directories before it opens the engine.
struct WorkerBinding {
  std::string workspace;            // name; empty = a scratch worker (crawls): no databases
  std::string data_directory;       // holds databases/<name>.duckdb; read and write
  std::string temp_directory;       // spill files; read and write; emptied at start
  std::string extension_directory;  // read
  uint32_t threads = 2;
  uint64_t memory_limit_bytes = 0;
  bool require_sandbox = false;
  void Encode(ByteWriter& w) const;
  bool Decode(ByteReader& r);
  bool operator==(const WorkerBinding&) const = default;
};

struct Control {
  ControlType type = ControlType::kShutdown;
  std::string text;
  WorkerBinding binding;  // kBind only
  void Encode(ByteWriter& w) const;
  bool Decode(ByteReader& r);
  bool operator==(const Control&) const = default;
};

// ---------------------------------------------------------------- fork server socket (SEQPACKET)

enum class ForkType : uint8_t {
  kSpawn = 1,    // gateway -> fork server, with two descriptors: control socket, lake socket of the
                 // new worker
  kSpawned = 2,  // fork server -> gateway: pid, same token
  kExited = 3,   // fork server -> gateway: pid, status (as from waitpid)
};

struct ForkMessage {
  ForkType type = ForkType::kSpawn;
  uint64_t token = 0;
  int32_t pid = 0;
  int32_t status = 0;
  void Encode(ByteWriter& w) const;
  bool Decode(ByteReader& r);
  bool operator==(const ForkMessage&) const = default;
};

// ---------------------------------------------------------------- lake socket

enum class LakeType : uint8_t {
  kOpenTable = 1,    // request: table of an external schema -> TableDescription; opens a scan
  kListFiles = 2,    // request: files of some partitions of a scan -> files
  kBlock = 3,        // request: bytes of one block of one listed file -> descriptor
  kCloseScan = 4,    // request without answer
  kListTables = 5,   // request: tables of a database of an external schema (names only) -> names
  kOpenObjects = 6,  // request: objects that COPY names, by a role chain -> a scan, whose files are
                     // partition 0
  kChangeCatalog = 7,  // request: a change of an external schema's data catalog -> nothing
  kOpenWrite = 8,      // request: to write below a prefix (UNLOAD) or into an external table's
                       // location, by a role chain -> a write
  kWriteBuffer = 9,  // request -> a buffer's number and its descriptor: kWriteBufferBytes of shared
                     // memory to fill, the connection's until it closes
  kWritePart = 10,   // request: the next part of a file of a write is in a buffer -> nothing. No
                     // object is seen before kCommitWrite.
  kCommitWrite = 11,  // request: completes all files of a write, the last one last -> nothing
  kAbortWrite = 12,   // request without answer: drops what a write has uploaded
  kOpenFiles = 13,    // request: objects by their paths into an open scan of a table whose metadata
                      // name its files (Iceberg) -> files, in the same order
  kAsk = 14,          // request: a question (JSON in `change`) about an external schema's data
                      // catalog, about the workspace's scans, or about the metadata of a file of
                      // a scan -> names, each a JSON object
  kListPartitions =
      15,  // request: partitions of a scan that pass a filter (`change`, an expression
           // of GetPartitions; empty: all) -> table.partitions, the newly found ones
  kReply = 16,
  kAbandon = 17,     // request without answer: nobody waits for the request whose id is `scan`
  kReadRemote = 18,  // request: rows of a scan whose table is in a remote database, as `change`
                     // says (JSON, lake/remote_query.h) -> the reading end of a pipe, into
                     // which they come as COPY BINARY writes them
  kEndRemote = 19,   // request: whether the rows that the pipe brought are all -> nothing
};

// Where the tables of an external schema are. The numbers are those of SVV_EXTERNAL_SCHEMAS.eskind.
enum class SchemaSource : uint8_t { kDataCatalog = 1, kPostgres = 3, kRedshift = 4 };

// What an external schema is bound to (kept by the worker in the database's hidden tables; checked
// by the gateway each time).
struct ExternalSchemaBinding {
  std::string catalog_database;  // Glue database; of the other sources: the other database
  std::string catalog_id;        // account of the catalog; empty = the workspace's own
  std::string region;
  // Role ARNs, first assumed first; "default" alone: the configured ones.
  std::vector<std::string> role_chain;
  std::vector<std::string> catalog_roles;  // for the data catalog alone; empty = role_chain
  SchemaSource source = SchemaSource::kDataCatalog;
  std::string remote_schema;     // kPostgres, kRedshift
  std::string host, secret_arn;  // kPostgres
  uint32_t port = 0;             // kPostgres
  bool operator==(const ExternalSchemaBinding&) const = default;
};

// Keys that a statement brings along in place of roles. Never logged.
struct AccessKeys {
  std::string id, secret, session_token;
  bool operator==(const AccessKeys&) const = default;
};

// What COPY's FROM names: every key that begins so, what a manifest lists, one object, or those of
// LakeRequest.objects that are there (an auto-copy job's new files; all below its path).
enum class ObjectsNamed : uint8_t { kPrefix = 1, kManifest = 2, kOne = 3, kListed = 4 };

struct LakeRequest {
  LakeType type = LakeType::kBlock;
  uint64_t id = 0;               // echoed in the reply
  uint64_t scan = 0;             // a scan, or a write; not of the requests that open
  ExternalSchemaBinding schema;  // kOpenTable, kListTables
  std::string user;              // statement's user, kOpenTable, kOpenObjects
  std::string table;  // kOpenTable; kOpenObjects, kOpenWrite: s3://bucket/key; kWritePart: the
                      // file's name below the write's prefix
  ObjectsNamed named = ObjectsNamed::kPrefix;  // kOpenObjects; its roles are schema.role_chain
  std::string change;  // kChangeCatalog: JSON (sql/emit/external.cc); kAsk, kListPartitions;
                       // kOpenWrite, kWritePart: JSON (lake/lake_write.h); kOpenObjects of
                       // kManifest: empty, or the key of an encrypted one, never logged
                       // ({"master_symmetric_key": "..."})
  // kOpenFiles: paths; sizes in bytes, 0 asks the object store. kOpenObjects of kListed: paths. At
  // most kMaxFilesPerOpen.
  std::vector<std::pair<std::string, uint64_t>> objects;
  std::string schema_name;  // of the external schema, for records alone, as the next two
  std::string statement;    // UUID of the statement that asks
  uint32_t process_id = 0;  // of its session
  AccessKeys keys;          // kOpenObjects, instead of schema.role_chain
  bool describe = false;    // kOpenTable: the columns alone; opens no scan, tells no partitions
  std::vector<uint32_t> partitions;  // kListFiles: indexes into TableDescription.partitions; at
                                     // most kMaxPartitionsPerList
  uint32_t file = 0;                 // kBlock, kAsk: TableFile.number; kWritePart: 0, 1, ...
  uint32_t block = 0;                // kBlock: index of the 8 MiB block; kWritePart: of the part
  uint32_t offset = 0, length = 0;   // kBlock: the byte range wanted within the block;
                                     // kWritePart: the buffer's number, bytes of the part
  void Encode(ByteWriter& w) const;
  bool Decode(ByteReader& r);
  bool operator==(const LakeRequest&) const = default;
};
inline constexpr size_t kMaxPartitionsPerList = 4096;
inline constexpr size_t kMaxFilesPerOpen = 1024;
// A part of a file is a full buffer, but for the last one (S3's minimum is 5 MiB).
inline constexpr uint32_t kWriteBufferBytes = 8u << 20;

struct TableColumn {
  std::string name;
  std::string type;  // Glue type text
  bool operator==(const TableColumn&) const = default;
};

struct TablePartition {
  std::vector<std::optional<std::string>> values;  // one per partition key, as Glue holds them
  bool operator==(const TablePartition&) const = default;
};

struct TableDescription {
  std::string name;
  std::string format;                       // "parquet", "csv", "json"
  std::vector<TableColumn> columns;         // data columns
  std::vector<TableColumn> partition_keys;  // empty = one partition without values
  std::vector<TablePartition> partitions;
  std::vector<std::pair<std::string, std::string>>
      options;           // delimiter, quote, escape, header ("true"), null, skip, compression
  uint64_t rows = 0;     // estimate, 0 = unknown
  uint64_t version = 0;  // of the table in the catalog
  // Of a partitioned table whose `partitions` are not there: how many the catalog has.
  // kListPartitions brings them.
  uint64_t partition_count = 0;
  bool operator==(const TableDescription&) const = default;
};

struct TableFile {
  uint32_t number = 0;  // within the scan; names it in kBlock
  uint32_t partition = 0;
  std::string path;  // s3://bucket/key, what "$path" shows
  std::string etag;
  uint64_t size = 0;
  int64_t modified_s = 0;  // seconds since the epoch
  bool operator==(const TableFile&) const = default;
};

// Replies may exceed a packet: the gateway then sends several with the same id, all but the last
// with `more`; lists concatenate.
struct LakeReply {
  uint64_t id = 0;
  bool more = false;
  std::optional<Error> error;
  uint64_t scan = 0;               // kOpenTable, kOpenObjects; a write; a buffer
  TableDescription table;          // kOpenTable (partitions may be split over packets)
  std::vector<TableFile> files;    // kListFiles
  std::vector<std::string> names;  // kListTables
  uint32_t block_bytes =
      0;  // kBlock: bytes of this block in the object; the descriptor's file is that long
  void Encode(ByteWriter& w) const;
  bool Decode(ByteReader& r);
  bool operator==(const LakeReply&) const = default;
};

// Encodes a whole frame: header and payload.
std::string EncodeFrame(FrameType type, ByteView payload);
template <class Message>
std::string EncodeFrame(FrameType type, const Message& message) {
  ByteWriter w;
  message.Encode(w);
  return EncodeFrame(type, ByteView(w.str()));
}
// Decodes a payload that must be used up exactly.
template <class Message>
bool DecodeExact(ByteView payload, Message& message) {
  ByteReader r(payload);
  return message.Decode(r) && r.Done();
}
template <class Message>
std::string EncodePacket(const Message& message) {
  ByteWriter w;
  message.Encode(w);
  return w.Take();
}

struct FrameHeader {
  uint32_t length = 0;
  FrameType type = FrameType::kRows;
};
// Reads a header of kFrameHeader bytes; false for a length above kMaxFrame.
bool DecodeFrameHeader(ByteView bytes, FrameHeader& header);

}  // namespace skep::ipc
