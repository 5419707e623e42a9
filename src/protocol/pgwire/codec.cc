#include "protocol/pgwire/codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/bytes.h"

namespace skep::pgwire {
namespace {

constexpr uint32_t kCancelCode = 80877102;
constexpr uint32_t kSslCode = 80877103;
constexpr uint32_t kGssCode = 80877104;
constexpr size_t kMaxCancelKey = 256;

Error Violation(std::string message) {
  return Error{ErrorKind::kProtocolViolation, std::move(message), {}, {}, 0};
}

// Reads a message's body; whatever is wrong shows at the end, in Finish.
class Body {
 public:
  explicit Body(std::string_view bytes) : reader_(bytes) {}

  std::string Text() { return reader_.CString(); }
  uint16_t Count() { return reader_.U16Be(); }
  uint32_t Number() { return reader_.U32Be(); }
  ByteReader& reader() { return reader_; }
  char Letter() { return static_cast<char>(reader_.U8()); }

 private:
  ByteReader reader_;
};

DecodeResult Finish(Body& body, Message message, size_t consumed) {
  if (!body.reader().Done()) return Violation("invalid message format");
  return Decoded{std::move(message), consumed};
}

DecodeResult DecodeStartup(std::string_view body, size_t consumed) {
  Body b(body);
  const uint32_t code = b.Number();
  if (code == kSslCode) return Finish(b, SslRequest{}, consumed);
  if (code == kGssCode) return Finish(b, GssRequest{}, consumed);
  if (code == kCancelCode) {
    CancelRequest request;
    request.process_id = b.Number();
    request.key = std::string(b.reader().Rest());
    if (!b.reader().ok() || request.key.size() < 4 || request.key.size() > kMaxCancelKey)
      return Violation("invalid length of cancel request");
    return Decoded{std::move(request), consumed};
  }
  StartupMessage startup;
  startup.version = code;
  // What other versions look like inside is unknown; the caller refuses them by their number.
  if (code >> 16 != 3) return Decoded{std::move(startup), consumed};
  while (b.reader().ok() && b.reader().left() > 1) {
    std::string name = b.Text();
    if (name.empty()) b.reader().Fail();
    std::string value = b.Text();
    startup.parameters.emplace_back(std::move(name), std::move(value));
  }
  if (b.reader().U8() != 0 || !b.reader().Done())
    return Violation("invalid startup packet layout: expected terminator as last byte");
  return Decoded{std::move(startup), consumed};
}

DecodeResult DecodeParse(std::string_view body, size_t consumed) {
  Body b(body);
  Parse parse;
  parse.statement = b.Text();
  parse.text = b.Text();
  const uint16_t types = b.Count();
  if (b.reader().left() < size_t{types} * 4) return Violation("insufficient data left in message");
  parse.parameter_types.reserve(types);
  for (uint16_t i = 0; i < types; i++) parse.parameter_types.push_back(b.Number());
  return Finish(b, std::move(parse), consumed);
}

DecodeResult DecodeBind(std::string_view body, size_t consumed) {
  Body b(body);
  Bind bind;
  bind.portal = b.Text();
  bind.statement = b.Text();
  const uint16_t format_count = b.Count();
  if (b.reader().left() < size_t{format_count} * 2)
    return Violation("insufficient data left in message");
  std::vector<uint16_t> formats(format_count);
  for (auto& format : formats) format = b.Count();
  const uint16_t count = b.Count();
  if (b.reader().left() < size_t{count} * 4) return Violation("insufficient data left in message");
  if (format_count > 1 && format_count != count) {
    return Violation(fmt::format("bind message has {} parameter formats but {} parameters",
                                 format_count, count));
  }
  bind.parameters.resize(count);
  for (uint16_t i = 0; i < count; i++) {
    auto& parameter = bind.parameters[i];
    if (format_count > 0) parameter.format = formats[format_count == 1 ? 0 : i];
    const uint32_t length = b.Number();
    if (length == 0xffffffff) continue;
    if (length > b.reader().left()) return Violation("insufficient data left in message");
    parameter.value.emplace(b.reader().Bytes(length));
  }
  const uint16_t results = b.Count();
  if (b.reader().left() < size_t{results} * 2)
    return Violation("insufficient data left in message");
  bind.result_formats.resize(results);
  for (auto& format : bind.result_formats) format = b.Count();
  return Finish(b, std::move(bind), consumed);
}

template <class T>
DecodeResult DecodeNamed(std::string_view body, size_t consumed) {
  Body b(body);
  T message;
  message.what = b.Letter();
  message.name = b.Text();
  if (message.what != 'S' && message.what != 'P') return Violation("invalid message format");
  return Finish(b, std::move(message), consumed);
}

DecodeResult DecodeReady(char type, std::string_view body, size_t consumed) {
  Body b(body);
  switch (type) {
    case 'Q': {
      Query query{b.Text()};
      return Finish(b, std::move(query), consumed);
    }
    case 'P':
      return DecodeParse(body, consumed);
    case 'B':
      return DecodeBind(body, consumed);
    case 'D':
      return DecodeNamed<Describe>(body, consumed);
    case 'C':
      return DecodeNamed<Close>(body, consumed);
    case 'E': {
      Execute execute;
      execute.portal = b.Text();
      const auto rows = static_cast<int32_t>(b.Number());
      execute.max_rows = rows > 0 ? static_cast<uint32_t>(rows) : 0;
      return Finish(b, std::move(execute), consumed);
    }
    case 'S':
      return Finish(b, Sync{}, consumed);
    case 'H':
      return Finish(b, Flush{}, consumed);
    case 'X':
      return Finish(b, Terminate{}, consumed);
    case 'd':
    case 'c':
    case 'f':
      return Decoded{CopyInput{}, consumed};
    case 'F':
      return Decoded{FunctionCall{}, consumed};
    default:
      return Violation(
          fmt::format("invalid frontend message type {}", static_cast<unsigned char>(type)));
  }
}

DecodeResult DecodeAuthentication(char type, std::string_view body, size_t consumed) {
  if (type == 'p') return Decoded{PasswordMessage{std::string(body)}, consumed};
  if (type == 'X') return Decoded{Terminate{}, consumed};
  Body b(body);
  DigestMessage reply;
  reply.digest = std::string(b.reader().Bytes(b.Number()));
  reply.client_nonce = std::string(b.reader().Bytes(b.Number()));
  return Finish(b, std::move(reply), consumed);
}

// Letters that a client may begin a message with: checked before its length, so that nonsense is
// refused at its first byte.
bool Known(char type, Phase phase) {
  const std::string_view letters = phase == Phase::kAuthentication ? "pdX" : "QPBDCESHXdcfF";
  return letters.find(type) != std::string_view::npos;
}

// Writes type and length around a body.
class Builder {
 public:
  Builder(std::string& out, char type) : out_(out) {
    out_.push_back(type);
    start_ = out_.size();
    out_.append(4, '\0');
  }
  ~Builder() {
    const auto length = static_cast<uint32_t>(out_.size() - start_);
    for (size_t i = 0; i < 4; i++) out_[start_ + i] = static_cast<char>(length >> (24 - 8 * i));
  }
  Builder(const Builder&) = delete;
  Builder& operator=(const Builder&) = delete;

  Builder& U8(char c) {
    out_.push_back(c);
    return *this;
  }
  Builder& U16(uint16_t v) { return U8(static_cast<char>(v >> 8)).U8(static_cast<char>(v)); }
  Builder& U32(uint32_t v) {
    return U16(static_cast<uint16_t>(v >> 16)).U16(static_cast<uint16_t>(v));
  }
  Builder& Raw(std::string_view v) {
    out_.append(v);
    return *this;
  }
  // A NUL inside would end it early for the reader: it is cut there.
  Builder& Text(std::string_view v) {
    out_.append(v.substr(0, v.find('\0')));
    return U8('\0');
  }

 private:
  std::string& out_;
  size_t start_ = 0;
};

// What Redshift's protocol versions 1 and 2 add to a column: schema, table, column, catalog, flags.
// Where a column comes from is not known here; it may be null and be searched for.
void AppendOrigin(Builder& b, std::string_view column) {
  constexpr uint16_t kNullable = 1, kSearchable = 1 << 12;
  b.Text({}).Text({}).Text(column).Text({}).U16(kNullable | kSearchable);
}

void AppendReport(std::string& out, char type, std::string_view severity, const Error& error,
                  std::string_view state) {
  Builder b(out, type);
  const auto field = [&b](char code, std::string_view value) {
    if (!value.empty()) b.U8(code).Text(value);
  };
  field('S', severity);
  field('V', severity);
  field('C', state.empty() ? CodesOf(error.kind).sqlstate : state);
  field('M', error.message.empty() ? std::string_view("unknown error")
                                   : std::string_view(error.message));
  field('D', error.detail);
  field('H', error.hint);
  if (error.position > 0) field('P', std::to_string(error.position));
  b.U8('\0');
}

}  // namespace

DecodeResult Decode(std::string_view input, Phase phase, const Limits& limits) {
  const size_t head = phase == Phase::kStartup ? 4 : 5;
  if (input.empty()) return NeedMore{head};
  const char type = phase == Phase::kStartup ? '\0' : input[0];
  if (phase != Phase::kStartup && !Known(type, phase)) {
    if (phase == Phase::kAuthentication) {
      return Violation(fmt::format("expected password response, got message type {}",
                                   static_cast<unsigned char>(type)));
    }
    return Violation(
        fmt::format("invalid frontend message type {}", static_cast<unsigned char>(type)));
  }
  if (input.size() < head) return NeedMore{head - input.size()};
  const uint32_t length = ByteReader(input.substr(head - 4, 4)).U32Be();
  const uint32_t cap = phase == Phase::kStartup          ? limits.startup_bytes
                       : phase == Phase::kAuthentication ? limits.authentication_bytes
                                                         : limits.message_bytes;
  const uint32_t least = phase == Phase::kStartup ? 8 : 4;
  if (length < least || length > cap) {
    return Violation(phase == Phase::kStartup ? "invalid length of startup packet"
                                              : fmt::format("invalid message length {}", length));
  }
  const size_t whole = head - 4 + length;
  if (input.size() < whole) return NeedMore{whole - input.size()};
  const std::string_view body = input.substr(head, length - 4);
  switch (phase) {
    case Phase::kStartup:
      return DecodeStartup(body, whole);
    case Phase::kAuthentication:
      return DecodeAuthentication(type, body, whole);
    case Phase::kReady:
      break;
  }
  return DecodeReady(type, body, whole);
}

std::optional<SaslInitial> ReadSaslInitial(std::string_view body) {
  ByteReader r(body);
  SaslInitial initial;
  initial.mechanism = r.CString();
  const uint32_t length = r.U32Be();
  if (length != 0xffffffff) initial.response = std::string(r.Bytes(length));
  if (!r.Done()) return std::nullopt;
  return initial;
}

std::optional<std::string> ReadPassword(std::string_view body) {
  ByteReader r(body);
  std::string password = r.CString();
  if (!r.Done()) return std::nullopt;
  return password;
}

void AppendAuthenticationOk(std::string& out) { Builder(out, 'R').U32(0); }
void AppendAuthenticationMd5(std::string& out, std::string_view salt) {
  Builder(out, 'R').U32(5).Raw(salt);
}
void AppendAuthenticationSasl(std::string& out, std::string_view mechanism) {
  Builder(out, 'R').U32(10).Text(mechanism).U8('\0');
}
void AppendAuthenticationSaslContinue(std::string& out, std::string_view data) {
  Builder(out, 'R').U32(11).Raw(data);
}
void AppendAuthenticationSaslFinal(std::string& out, std::string_view data) {
  Builder(out, 'R').U32(12).Raw(data);
}

void AppendAuthenticationDigest(std::string& out, std::string_view salt, std::string_view nonce) {
  Builder(out, 'R')
      .U32(13)
      .U32(0)
      .U32(static_cast<uint32_t>(salt.size()))
      .Raw(salt)
      .U32(static_cast<uint32_t>(nonce.size()))
      .Raw(nonce);
}

void AppendNegotiateProtocolVersion(std::string& out, uint32_t newest,
                                    const std::vector<std::string>& unknown_options) {
  Builder b(out, 'v');
  b.U32(newest).U32(static_cast<uint32_t>(unknown_options.size()));
  for (const auto& option : unknown_options) b.Text(option);
}

void AppendParameterStatus(std::string& out, std::string_view name, std::string_view value) {
  Builder(out, 'S').Text(name).Text(value);
}
void AppendBackendKeyData(std::string& out, uint32_t process_id, std::string_view key) {
  Builder(out, 'K').U32(process_id).Raw(key);
}
void AppendReadyForQuery(std::string& out, char transaction) { Builder(out, 'Z').U8(transaction); }

void AppendRowDescription(std::string& out, std::span<const ipc::ResultColumn> columns,
                          std::span<const uint16_t> formats, bool extended) {
  Builder b(out, 'T');
  b.U16(static_cast<uint16_t>(columns.size()));
  for (size_t i = 0; i < columns.size(); i++) {
    const uint16_t format = formats.empty()       ? 0
                            : formats.size() == 1 ? formats[0]
                            : i < formats.size()  ? formats[i]
                                                  : 0;
    b.Text(columns[i].name).U32(0).U16(0).U32(columns[i].type_oid);
    b.U16(static_cast<uint16_t>(columns[i].type_size))
        .U32(static_cast<uint32_t>(columns[i].type_modifier))
        .U16(format);
    if (extended) AppendOrigin(b, columns[i].name);
  }
}

bool AppendExtendedRowDescription(std::string& out, std::string_view& messages) {
  if (messages.size() < 7 || messages[0] != 'T') return false;
  const uint32_t length = ByteReader(messages.substr(1, 4)).U32Be();
  if (length < 6 || length > messages.size() - 1) return false;
  ByteReader r(messages.substr(5, length - 4));
  const size_t start = out.size();
  {
    Builder b(out, 'T');
    const uint16_t columns = r.U16Be();
    b.U16(columns);
    for (uint16_t i = 0; i < columns && r.ok(); i++) {
      const std::string name = r.CString();
      b.Text(name).Raw(r.Bytes(16)).U16(r.U16Be() == 0 ? 0 : 1);
      AppendOrigin(b, name);
    }
  }
  if (!r.Done()) {
    out.resize(start);
    return false;
  }
  messages.remove_prefix(1 + length);
  return true;
}

void AppendParameterDescription(std::string& out, std::span<const uint32_t> types) {
  Builder b(out, 't');
  b.U16(static_cast<uint16_t>(types.size()));
  for (const uint32_t type : types) b.U32(type);
}

void AppendCommandComplete(std::string& out, std::string_view tag) { Builder(out, 'C').Text(tag); }
void AppendParseComplete(std::string& out) { Builder(out, '1'); }
void AppendBindComplete(std::string& out) { Builder(out, '2'); }
void AppendCloseComplete(std::string& out) { Builder(out, '3'); }
void AppendNoData(std::string& out) { Builder(out, 'n'); }
void AppendPortalSuspended(std::string& out) { Builder(out, 's'); }
void AppendEmptyQueryResponse(std::string& out) { Builder(out, 'I'); }

void AppendError(std::string& out, std::string_view severity, const Error& error,
                 std::string_view state) {
  AppendReport(out, 'E', severity, error, state);
}

void AppendNotice(std::string& out, std::string_view severity, const Error& error,
                  std::string_view state) {
  AppendReport(out, 'N', severity, error, state);
}

bool IsUtf8(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    uint64_t eight = 0;
    if (text.size() - i >= 8) {
      std::memcpy(&eight, text.data() + i, 8);
      if ((eight & 0x8080808080808080u) == 0) {
        i += 8;
        continue;
      }
    }
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      i++;
      continue;
    }
    const size_t more = lead >= 0xc2 && lead < 0xe0   ? 1
                        : lead >= 0xe0 && lead < 0xf0 ? 2
                        : lead >= 0xf0 && lead < 0xf5 ? 3
                                                      : 0;
    if (more == 0 || text.size() - i <= more) return false;
    const auto second = static_cast<unsigned char>(text[i + 1]);
    // Overlong forms, surrogates and what lies beyond U+10FFFF show in the second byte.
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
        (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f)) {
      return false;
    }
    for (size_t k = 1; k <= more; k++) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80) return false;
    }
    i += more + 1;
  }
  return true;
}

}  // namespace skep::pgwire
