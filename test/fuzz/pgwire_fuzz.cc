// Feeds arbitrary bytes to everything of the PostgreSQL door that reads a stranger's: the codec in
// every phase however the bytes are split, the start-up packet, the password exchanges. Nothing may
// crash, what has come in pieces must mean the same as at once, and no proof may be accepted.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/crypto.h"
#include "identity/passwords.h"
#include "protocol/pgwire/codec.h"
#include "protocol/pgwire/login.h"
#include "protocol/pgwire/startup.h"

namespace {

using namespace skep;
using namespace skep::pgwire;

void Check(bool holds) {
  if (!holds) std::abort();
}

// A connection's worth of messages, and whether the stream ended in an error.
struct Heard {
  std::vector<Message> messages;
  bool failed = false;
  bool operator==(const Heard&) const = default;
};

// Decodes as a connection does, with `pieces` saying how many bytes come at a time (0: all).
Heard Listen(std::string_view stream, Phase phase, std::string_view pieces) {
  Limits limits;
  limits.message_bytes = 32u << 10;
  Heard heard;
  std::string in;
  size_t piece = 0;
  while (true) {
    auto result = Decode(in, phase, limits);
    if (std::holds_alternative<Error>(result)) {
      heard.failed = true;
      return heard;
    }
    if (auto* decoded = std::get_if<Decoded>(&result)) {
      Check(decoded->consumed > 0 && decoded->consumed <= in.size());
      heard.messages.push_back(std::move(decoded->message));
      in.erase(0, decoded->consumed);
      continue;
    }
    const size_t wanted = std::get<NeedMore>(result).bytes;
    Check(wanted > 0 && wanted <= limits.startup_bytes + limits.message_bytes + 5);
    if (stream.empty()) return heard;
    size_t n = stream.size();
    if (!pieces.empty())
      n = std::min(n, size_t{1} + static_cast<unsigned char>(pieces[piece++ % pieces.size()]));
    in.append(stream.substr(0, n));
    stream.remove_prefix(n);
  }
}

const control::User& Ada() {
  static const control::User user = [] {
    control::User made;
    made.name = "ada";
    identity::SetPassword(made, Secret(RandomBytes(32)));
    return made;
  }();
  return user;
}

void Understand(const Message& message) {
  if (const auto* start = std::get_if<StartupMessage>(&message)) {
    if (const auto startup = ReadStartup(*start)) {
      Check(!startup->user.empty());
      for (const char* configured : {"auto", "md5", "digest"})
        ChooseMethod(configured, *startup, false);
    }
    return;
  }
  if (const auto* password = std::get_if<PasswordMessage>(&message)) {
    ReadSaslInitial(password->body);
    ReadPassword(password->body);
  }
  if (const auto* parse = std::get_if<Parse>(&message)) IsUtf8(parse->text);
}

// Every password exchange hears the messages; none believes them.
void Login(const std::vector<Message>& messages) {
  for (const Method method : {Method::kScram, Method::kDigest, Method::kMd5}) {
    PasswordExchange exchange(method, {Ada(), true});
    std::string out;
    Check(!exchange.Begin(out));
    for (const auto& message : messages) {
      const auto proved = exchange.Take(message, out);
      Check(!proved || !*proved);
      if (!proved) break;
    }
  }
}

void Scram(std::string_view text) {
  const size_t line = text.find('\n');
  identity::ScramServer server(*identity::ParseScram(Ada().scram));
  const auto first = server.First(text.substr(0, line));
  if (line == std::string_view::npos) return;
  const std::string_view rest = text.substr(line + 1);
  Check(!server.Final(rest));
  // Past the checks of form: with what the server said, a made-up proof is refused as such.
  if (!first) return;
  const std::string binding = text.starts_with('y') ? "c=eSws," : "c=biws,";
  const std::string extensions(rest.substr(0, std::min<size_t>(rest.size(), 1000)));
  const std::string without_proof =
      binding + first->substr(0, first->find(",s=")) + "," + extensions;
  const auto last = server.Final(without_proof + ",p=" + Base64Encode(Sha256(rest)));
  Check(!last);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // First byte: what to do; second: how many of the next bytes say how the stream is split.
  std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.size() < 2) return 0;
  const auto what = static_cast<unsigned char>(input[0]) % 6;
  const size_t pieces_size =
      std::min<size_t>(static_cast<unsigned char>(input[1]) % 16, input.size() - 2);
  const std::string_view pieces = input.substr(2, pieces_size);
  const std::string_view stream = input.substr(2 + pieces_size);
  if (what < 3) {
    const auto phase = static_cast<Phase>(what);
    const Heard whole = Listen(stream, phase, {});
    if (!pieces.empty()) Check(Listen(stream, phase, pieces) == whole);
    for (const auto& message : whole.messages) Understand(message);
    if (phase == Phase::kAuthentication) Login(whole.messages);
  } else if (what == 3) {
    if (const auto settings = ReadOptions(stream)) {
      for (const auto& [name, value] : *settings) Check(!name.empty());
    }
    ReadServerName(stream);
    identity::ParseScram(stream);
    identity::SaslPrep(stream);
  } else if (what == 4) {
    Scram(stream);
  } else {
    // From a worker, which is not trusted either.
    std::string_view rest = stream;
    std::string out;
    if (AppendExtendedRowDescription(out, rest)) {
      Check(rest.size() < stream.size() && out.starts_with('T'));
    } else {
      Check(out.empty());
    }
  }
  return 0;
}
