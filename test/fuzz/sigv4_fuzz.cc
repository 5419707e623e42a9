// Feeds arbitrary requests to the SigV4 reader and verifier: whatever a stranger sends must be
// refused without a crash, and a signature made with another secret must never be accepted.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/crypto.h"
#include "identity/sigv4.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Lines: method, path, query, headers as "name: value" up to an empty line, body.
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto line = [&rest] {
    const size_t end = rest.find('\n');
    const std::string_view text = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return text;
  };
  const std::string_view method = line(), path = line(), query = line();
  skep::identity::HeaderList headers;
  while (!rest.empty() && headers.size() < 100) {
    const std::string_view text = line();
    if (text.empty()) break;
    const size_t colon = text.find(':');
    headers.emplace_back(text.substr(0, colon), colon == std::string_view::npos
                                                    ? std::string_view()
                                                    : text.substr(colon + 1));
  }
  static const skep::Secret secret(skep::RandomBytes(32));
  const skep::identity::RequestView request{method, path, query, headers, rest};
  const auto claim = skep::identity::ReadSignature(request);
  if (claim && skep::identity::CheckSignature(request, *claim, secret, claim->timestamp_s))
    std::abort();

  // What we sign ourselves is accepted, whatever it is made of.
  headers.clear();
  headers.emplace_back("host", "h");
  skep::identity::SignRequest(method, path, "", headers, rest, {"K", secret, {}, "r", "glue"},
                              1440938160);
  const skep::identity::RequestView ours{method, path, "", headers, rest};
  const auto again = skep::identity::ReadSignature(ours);
  if (!again || !skep::identity::CheckSignature(ours, *again, secret, 1440938160)) std::abort();
  return 0;
}
