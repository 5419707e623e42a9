#include "net/http_client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <memory>
#include <string_view>

namespace skep::net {
namespace {

struct State {
  const HttpCall& call;
  std::string body;
  bool overflow = false, forbidden = false;
};

size_t OnBody(char* data, size_t size, size_t count, void* user) {
  auto& state = *static_cast<State*>(user);
  if (state.body.size() + size * count > state.call.max_bytes) {
    state.overflow = true;
    return 0;
  }
  state.body.append(data, size * count);
  return size * count;
}

int OnProgress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto* stopping = static_cast<State*>(user)->call.stopping;
  return stopping != nullptr && stopping->load() ? 1 : 0;
}

// This machine, link-local, and "any" addresses; also inside of IPv6.
bool IsInside(const sockaddr& address) {
  const auto inside4 = [](const uint8_t* a) {
    return a[0] == 127 || a[0] == 0 || (a[0] == 169 && a[1] == 254) || a[0] >= 224;
  };
  if (address.sa_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(address);
    uint8_t bytes[4];
    std::memcpy(bytes, &in.sin_addr, sizeof bytes);
    return inside4(bytes);
  }
  if (address.sa_family != AF_INET6) return true;
  const in6_addr& in6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&in6) || IN6_IS_ADDR_V4COMPAT(&in6)) {
    return inside4(in6.s6_addr + 12);
  }
  // fd00:ec2::254 is where instances ask for their credentials.
  static constexpr uint8_t kInstance[8] = {0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0};
  return IN6_IS_ADDR_LOOPBACK(&in6) || IN6_IS_ADDR_UNSPECIFIED(&in6) ||
         IN6_IS_ADDR_LINKLOCAL(&in6) || IN6_IS_ADDR_MULTICAST(&in6) ||
         std::memcmp(in6.s6_addr, kInstance, sizeof kInstance) == 0;
}

curl_socket_t OnOpen(void* user, curlsocktype, curl_sockaddr* address) {
  auto& state = *static_cast<State*>(user);
  if (state.call.outside_only && IsInside(address->addr)) {
    state.forbidden = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

}  // namespace

Result<HttpReply> Exchange(const HttpCall& call) {
  static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)global;
  const std::string host = HostOfUrl(call.url);
  if (host.empty()) return Fail(ErrorKind::kExternalUnavailable, "no URL of http or https");
  std::unique_ptr<curl_slist, void (*)(curl_slist*)> list(nullptr, curl_slist_free_all);
  const auto add = [&list](const std::string& line) {
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    (void)list.release();
    list.reset(longer);
  };
  for (const auto& [name, value] : call.headers) add(name + ": " + value);
  add("Expect:");
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  if (!curl) return Fail(ErrorKind::kInternal, "cannot make an HTTP client");
  CURL* const c = curl.get();
  State state{call, {}};
  curl_easy_setopt(c, CURLOPT_URL, call.url.c_str());
  curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, call.https_only ? "https" : "http,https");
  curl_easy_setopt(c, CURLOPT_PROXY, "");
  curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(c, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(call.connect_timeout.count()));
  curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, static_cast<long>(call.timeout.count()));
  curl_easy_setopt(c, CURLOPT_HTTPHEADER, list.get());
  curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(c, CURLOPT_WRITEDATA, &state);
  curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, OnProgress);
  curl_easy_setopt(c, CURLOPT_XFERINFODATA, &state);
  curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, OnOpen);
  curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, &state);
  if (!call.ca_file.empty()) curl_easy_setopt(c, CURLOPT_CAINFO, call.ca_file.c_str());
  if (call.method == "POST") {
    curl_easy_setopt(c, CURLOPT_POSTFIELDS, call.body.c_str());
    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
  }
  const CURLcode code = curl_easy_perform(c);
  if (call.stopping != nullptr && call.stopping->load())
    return Fail(ErrorKind::kAdminShutdown, "the gateway is going down");
  if (state.overflow)
    return Fail(ErrorKind::kPayloadTooLarge,
                fmt::format("{} sent more than {} bytes", host, call.max_bytes));
  if (code != CURLE_OK) {
    if (call.timed_out != nullptr) *call.timed_out = code == CURLE_OPERATION_TIMEDOUT;
    return Fail(
        ErrorKind::kExternalUnavailable, fmt::format("{} cannot be reached", host),
        state.forbidden ? "the address is this machine's or link-local" : curl_easy_strerror(code));
  }
  if (call.timed_out != nullptr) *call.timed_out = false;
  long status = 0;
  curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
  return HttpReply{static_cast<int>(status), std::move(state.body)};
}

std::string HostOfUrl(std::string_view url) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!url.starts_with(scheme)) continue;
    url.remove_prefix(scheme.size());
    const std::string_view host = url.substr(0, url.find_first_of("/?#"));
    for (const char c : host) {
      const bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      std::string_view(".-_:[]").find(c) != std::string_view::npos;
      if (!ok) return {};
    }
    return std::string(host);
  }
  return {};
}

std::string PathOfUrl(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return "/";
  const size_t slash = url.find_first_of("/?#", scheme + 3);
  if (slash == std::string_view::npos || url[slash] != '/') return "/";
  return std::string(url.substr(slash, url.find_first_of("?#", slash) - slash));
}

}  // namespace skep::net
