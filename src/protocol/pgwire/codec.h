// The PostgreSQL wire protocol, version 3, as pure functions of bytes: decoding of what clients
// send, encoding of what we answer. Everything read here is hostile: a length is checked before it
// is believed, and nothing is allocated for bytes that have not come. Knows no sockets, sessions or
// SQL. Source: PostgreSQL 15 documentation, chapter 55; Redshift's digest: sql.md section 2.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"
#include "ipc/messages.h"

namespace skep::pgwire {

// What a client may send depends on how far it has come.
enum class Phase : uint8_t { kStartup, kAuthentication, kReady };

struct Limits {
  uint32_t startup_bytes = 64u << 10;
  uint32_t authentication_bytes = 64u << 10;
  uint32_t message_bytes = 65u << 20;
};

// Start-up packets.
struct SslRequest {
  bool operator==(const SslRequest&) const = default;
};
struct GssRequest {
  bool operator==(const GssRequest&) const = default;
};
struct CancelRequest {
  uint32_t process_id = 0;
  std::string key;
  bool operator==(const CancelRequest&) const = default;
};
struct StartupMessage {
  uint32_t version = 0;  // major << 16 | minor
  std::vector<std::pair<std::string, std::string>> parameters;
  bool operator==(const StartupMessage&) const = default;
};

// Authentication. What is in a response depends on the method; see ReadSaslInitial and ReadDigest.
struct PasswordMessage {
  std::string body;
  bool operator==(const PasswordMessage&) const = default;
};
struct DigestMessage {
  std::string digest, client_nonce;
  bool operator==(const DigestMessage&) const = default;
};

// Front-end messages.
struct Query {
  std::string text;
  bool operator==(const Query&) const = default;
};
struct Parse {
  std::string statement, text;
  std::vector<uint32_t> parameter_types;
  bool operator==(const Parse&) const = default;
};
struct Bind {
  std::string portal, statement;
  std::vector<ipc::Parameter> parameters;
  std::vector<uint16_t> result_formats;
  bool operator==(const Bind&) const = default;
};
struct Describe {
  char what = 'S';  // 'S' statement, 'P' portal
  std::string name;
  bool operator==(const Describe&) const = default;
};
struct Execute {
  std::string portal;
  uint32_t max_rows = 0;  // 0 = all
  bool operator==(const Execute&) const = default;
};
struct Close {
  char what = 'S';
  std::string name;
  bool operator==(const Close&) const = default;
};
struct Sync {
  bool operator==(const Sync&) const = default;
};
struct Flush {
  bool operator==(const Flush&) const = default;
};
struct Terminate {
  bool operator==(const Terminate&) const = default;
};
struct CopyInput {
  bool operator==(const CopyInput&) const = default;
};  // CopyData, CopyDone, CopyFail
struct FunctionCall {
  bool operator==(const FunctionCall&) const = default;
};

using Message = std::variant<SslRequest, GssRequest, CancelRequest, StartupMessage, PasswordMessage,
                             DigestMessage, Query, Parse, Bind, Describe, Execute, Close, Sync,
                             Flush, Terminate, CopyInput, FunctionCall>;

struct NeedMore {
  size_t bytes = 0;  // at least so many more
};
struct Decoded {
  Message message;
  size_t consumed = 0;
};
// An Error is final: the stream cannot be read on. Errors: kProtocolViolation.
using DecodeResult = std::variant<NeedMore, Decoded, Error>;

// Decodes the first message of `input`. Cost: linear in that message.
DecodeResult Decode(std::string_view input, Phase phase, const Limits& limits);

// The body of SASLInitialResponse: mechanism and response. nullopt when malformed.
struct SaslInitial {
  std::string mechanism, response;
};
std::optional<SaslInitial> ReadSaslInitial(std::string_view body);
// The body of a PasswordMessage proper: one string and its NUL.
std::optional<std::string> ReadPassword(std::string_view body);

// Encoders append one whole message to `out`.
void AppendAuthenticationOk(std::string& out);
void AppendAuthenticationMd5(std::string& out, std::string_view salt);  // 4 bytes
void AppendAuthenticationSasl(std::string& out, std::string_view mechanism);
void AppendAuthenticationSaslContinue(std::string& out, std::string_view data);
void AppendAuthenticationSaslFinal(std::string& out, std::string_view data);
// Redshift's digest, algorithm 0 (SHA-256).
void AppendAuthenticationDigest(std::string& out, std::string_view salt, std::string_view nonce);
// newest: of the version asked for, as in a start-up packet (major << 16 | minor).
void AppendNegotiateProtocolVersion(std::string& out, uint32_t newest,
                                    const std::vector<std::string>& unknown_options);
void AppendParameterStatus(std::string& out, std::string_view name, std::string_view value);
void AppendBackendKeyData(std::string& out, uint32_t process_id, std::string_view key);
void AppendReadyForQuery(std::string& out, char transaction);
// formats: empty = all text, one = for all, else one per column. extended: as Redshift's protocol
// versions 1 and 2 have it.
void AppendRowDescription(std::string& out, std::span<const ipc::ResultColumn> columns,
                          std::span<const uint16_t> formats, bool extended = false);
// Appends the plain RowDescription that `messages` begins with in the extended form, and takes it
// from there. False when malformed.
bool AppendExtendedRowDescription(std::string& out, std::string_view& messages);
void AppendParameterDescription(std::string& out, std::span<const uint32_t> types);
void AppendCommandComplete(std::string& out, std::string_view tag);
void AppendParseComplete(std::string& out);
void AppendBindComplete(std::string& out);
void AppendCloseComplete(std::string& out);
void AppendNoData(std::string& out);
void AppendPortalSuspended(std::string& out);
void AppendEmptyQueryResponse(std::string& out);

// Conditions that only this protocol has; everything else takes its SQLSTATE from the kind.
namespace sqlstate {
inline constexpr std::string_view kDuplicateStatement = "42P05";
inline constexpr std::string_view kDuplicateCursor = "42P03";
inline constexpr std::string_view kNotInThisState = "55000";
inline constexpr std::string_view kInvalidAuthorization = "28000";
inline constexpr std::string_view kUntranslatableText = "22021";
}  // namespace sqlstate

// severity: "ERROR", "FATAL". An empty state means the kind's own.
void AppendError(std::string& out, std::string_view severity, const Error& error,
                 std::string_view state = {});
// severity: "WARNING", "NOTICE".
void AppendNotice(std::string& out, std::string_view severity, const Error& error,
                  std::string_view state = {});

bool IsUtf8(std::string_view text);

}  // namespace skep::pgwire
