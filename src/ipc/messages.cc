#include "ipc/messages.h"

namespace skep::ipc {
namespace {

// One field list per struct serves both directions: Writing appends, Reading fills.
struct Writing {
  ByteWriter& w;
  bool ok() const { return true; }
  void operator()(const std::string& v) { w.String(v); }
  void operator()(const bool& v) { w.Bool(v); }
  void operator()(const char& v) { w.U8(static_cast<uint8_t>(v)); }
  void operator()(const uint16_t& v) { w.U16(v); }
  void operator()(const int16_t& v) { w.U16(static_cast<uint16_t>(v)); }
  void operator()(const uint32_t& v) { w.U32(v); }
  void operator()(const int32_t& v) { w.I32(v); }
  void operator()(const uint64_t& v) { w.U64(v); }
  void operator()(const int64_t& v) { w.I64(v); }
  template <class E>
    requires std::is_enum_v<E>
  void operator()(const E& v) {
    w.U8(static_cast<uint8_t>(v));
  }
  template <class T>
  void operator()(const std::optional<T>& v) {
    w.Bool(v.has_value());
    if (v) (*this)(*v);
  }
  template <class A, class B>
  void operator()(const std::pair<A, B>& v) {
    (*this)(v.first);
    (*this)(v.second);
  }
  template <class T>
  void operator()(const std::vector<T>& v) {
    w.U32(static_cast<uint32_t>(v.size()));
    for (const auto& e : v) (*this)(e);
  }
  template <class T>
    requires std::is_class_v<T>
  void operator()(const T& v) {
    Fields(*this, const_cast<T&>(v));
  }
};

struct Reading {
  ByteReader& r;
  bool ok() const { return r.ok(); }
  void operator()(std::string& v) { v = r.String(); }
  void operator()(bool& v) { v = r.Bool(); }
  void operator()(char& v) { v = static_cast<char>(r.U8()); }
  void operator()(uint16_t& v) { v = r.U16(); }
  void operator()(int16_t& v) { v = static_cast<int16_t>(r.U16()); }
  void operator()(uint32_t& v) { v = r.U32(); }
  void operator()(int32_t& v) { v = r.I32(); }
  void operator()(uint64_t& v) { v = r.U64(); }
  void operator()(int64_t& v) { v = r.I64(); }
  template <class E>
    requires std::is_enum_v<E>
  void operator()(E& v) {
    v = static_cast<E>(r.U8());
  }
  template <class T>
  void operator()(std::optional<T>& v) {
    v.reset();
    if (r.Bool() && r.ok()) (*this)(v.emplace());
  }
  template <class A, class B>
  void operator()(std::pair<A, B>& v) {
    (*this)(v.first);
    (*this)(v.second);
  }
  template <class T>
  void operator()(std::vector<T>& v) {
    v.clear();
    // Every element takes at least one byte, so a count above what is left is a lie; nothing is
    // reserved on its word.
    const uint32_t n = r.U32();
    if (n > r.left()) return r.Fail();
    for (uint32_t i = 0; i < n && r.ok(); i++) (*this)(v.emplace_back());
  }
  template <class T>
    requires std::is_class_v<T>
  void operator()(T& v) {
    Fields(*this, v);
  }
};

template <class F, class... T>
void All(F& f, T&... fields) {
  (f(fields), ...);
}

template <class F>
void Fields(F& f, Error& m) {
  All(f, m.kind, m.message, m.detail, m.hint, m.position);
}
template <class F>
void Fields(F& f, WireError& m) {
  All(f, m.error);
}
template <class F>
void Fields(F& f, AttachSession& m) {
  All(f, m.session_id, m.database, m.user, m.process_id, m.settings);
}
template <class F>
void Fields(F& f, Parameter& m) {
  All(f, m.value, m.format);
}
template <class F>
void Fields(F& f, ExecuteStatement& m) {
  All(f, m.statement_id, m.text, m.parameter_types, m.parameters, m.result_formats, m.describe,
      m.begin_first, m.commit_after, m.portal, m.max_rows, m.timeout_ms, m.settings);
}
template <class F>
void Fields(F& f, DescribeStatement& m) {
  All(f, m.text, m.parameter_types, m.settings, m.begin_first);
}
template <class F>
void Fields(F& f, FetchPortal& m) {
  All(f, m.portal, m.max_rows);
}
template <class F>
void Fields(F& f, StatementComplete& m) {
  All(f, m.tag, m.rows, m.suspended, m.has_result, m.transaction, m.temporary_tables, m.compile_us,
      m.run_us, m.lake_bytes);
}
template <class F>
void Fields(F& f, StatementError& m) {
  All(f, m.error, m.transaction);
}
template <class F>
void Fields(F& f, ResultColumn& m) {
  All(f, m.name, m.type_oid, m.type_size, m.type_modifier);
}
template <class F>
void Fields(F& f, StatementDescription& m) {
  All(f, m.parameter_types, m.columns, m.transaction);
}
template <class F>
void Fields(F& f, InferRequest& m) {
  All(f, m.scan, m.path, m.etag, m.size, m.format, m.compression, m.options);
}
template <class F>
void Fields(F& f, InferredColumn& m) {
  All(f, m.name, m.type);
}
template <class F>
void Fields(F& f, InferReply& m) {
  All(f, m.format, m.columns, m.delimiter, m.quote, m.escape, m.header, m.rows, m.properties,
      m.certainty);
}
template <class F>
void Fields(F& f, WorkerBinding& m) {
  All(f, m.workspace, m.data_directory, m.temp_directory, m.extension_directory, m.threads,
      m.memory_limit_bytes, m.require_sandbox);
}
template <class F>
void Fields(F& f, Control& m) {
  All(f, m.type, m.text, m.binding);
}
template <class F>
void Fields(F& f, ForkMessage& m) {
  All(f, m.type, m.token, m.pid, m.status);
}
template <class F>
void Fields(F& f, ExternalSchemaBinding& m) {
  All(f, m.catalog_database, m.catalog_id, m.region, m.role_chain, m.catalog_roles, m.source,
      m.remote_schema, m.host, m.secret_arn, m.port);
}
template <class F>
void Fields(F& f, AccessKeys& m) {
  All(f, m.id, m.secret, m.session_token);
}
template <class F>
void Fields(F& f, LakeRequest& m) {
  All(f, m.type, m.id, m.scan, m.schema, m.user, m.table, m.named, m.change, m.objects,
      m.schema_name, m.statement, m.process_id, m.keys, m.describe, m.partitions, m.file, m.block,
      m.offset, m.length);
}
template <class F>
void Fields(F& f, TableColumn& m) {
  All(f, m.name, m.type);
}
template <class F>
void Fields(F& f, TablePartition& m) {
  All(f, m.values);
}
template <class F>
void Fields(F& f, TableDescription& m) {
  All(f, m.name, m.format, m.columns, m.partition_keys, m.partitions, m.options, m.rows, m.version,
      m.partition_count);
}
template <class F>
void Fields(F& f, TableFile& m) {
  All(f, m.number, m.partition, m.path, m.etag, m.size, m.modified_s);
}
template <class F>
void Fields(F& f, LakeReply& m) {
  All(f, m.id, m.more, m.error, m.scan, m.table, m.files, m.names, m.block_bytes);
}

}  // namespace

#define SKEP_CODEC(Type)                   \
  void Type::Encode(ByteWriter& w) const { \
    Writing f{w};                          \
    Fields(f, const_cast<Type&>(*this));   \
  }                                        \
  bool Type::Decode(ByteReader& r) {       \
    Reading f{r};                          \
    Fields(f, *this);                      \
    return r.ok();                         \
  }
SKEP_CODEC(WireError)
SKEP_CODEC(AttachSession)
SKEP_CODEC(ExecuteStatement)
SKEP_CODEC(DescribeStatement)
SKEP_CODEC(FetchPortal)
SKEP_CODEC(StatementComplete)
SKEP_CODEC(StatementError)
SKEP_CODEC(StatementDescription)
SKEP_CODEC(InferRequest)
SKEP_CODEC(InferReply)
SKEP_CODEC(WorkerBinding)
SKEP_CODEC(Control)
SKEP_CODEC(ForkMessage)
SKEP_CODEC(LakeRequest)
SKEP_CODEC(LakeReply)
#undef SKEP_CODEC

std::string EncodeFrame(FrameType type, ByteView payload) {
  ByteWriter w;
  w.U32(static_cast<uint32_t>(payload.size()))
      .U8(static_cast<uint8_t>(type))
      .U8(0)
      .U8(0)
      .U8(0)
      .Raw(payload);
  return w.Take();
}

bool DecodeFrameHeader(ByteView bytes, FrameHeader& header) {
  ByteReader r(bytes);
  header.length = r.U32();
  header.type = static_cast<FrameType>(r.U8());
  return r.ok() && header.length <= kMaxFrame;
}

}  // namespace skep::ipc
