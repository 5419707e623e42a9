#include "lake/object_store.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <pugixml.hpp>
#include <random>
#include <sstream>
#include <thread>

#include "base/crypto.h"
#include "base/log.h"
#include "base/text.h"
#include "lake/s3_request.h"

namespace skep::lake {
namespace {

constexpr size_t kMaxListBytes = 16u << 20;
constexpr size_t kMaxErrorBytes = 64u << 10;
constexpr std::string_view kMetadata = "x-amz-meta-";
constexpr size_t kMaxMetadata = 64, kMaxMetadataBytes = 4096;  // of an answer; S3 has 2 KB in all
// In a row; servers send some where many objects were deleted.
constexpr size_t kMaxEmptyPages = 100;

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string Unquoted(std::string_view etag) {
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"')
    etag = etag.substr(1, etag.size() - 2);
  return std::string(etag);
}

// One HTTP exchange: what to send and what came back.
struct Exchange {
  std::string method;
  S3Url url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string_view body;
  std::optional<std::span<char>> into;  // GetRange: where a 206 or 200 goes

  long status = 0;
  std::string text;  // other bodies
  size_t filled = 0;
  bool overflow = false;
  std::string etag, last_modified, content_range;
  std::optional<uint64_t> content_length;
  std::map<std::string, std::string> metadata;
  CURL* curl = nullptr;
  const std::atomic<bool>* stop = nullptr;
};

size_t OnHeader(char* data, size_t size, size_t count, void* user) {
  auto& x = *static_cast<Exchange*>(user);
  std::string_view line(data, size * count);
  if (line.starts_with("HTTP/")) {
    // A new answer begins (after 100 Continue): forget the headers of the last.
    x.etag.clear();
    x.last_modified.clear();
    x.content_range.clear();
    x.content_length.reset();
    x.metadata.clear();
    return size * count;
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return size * count;
  const std::string_view name = line.substr(0, colon);
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && (value.back() == '\r' || value.back() == '\n' || value.back() == ' '))
    value.remove_suffix(1);
  if (EqualsIgnoringCase(name, "etag")) x.etag = Unquoted(value);
  if (EqualsIgnoringCase(name, "last-modified")) x.last_modified = value;
  if (EqualsIgnoringCase(name, "content-range")) x.content_range = value;
  if (EqualsIgnoringCase(name, "content-length")) {
    uint64_t n = 0;
    if (std::from_chars(value.data(), value.data() + value.size(), n).ec == std::errc{})
      x.content_length = n;
  }
  if (name.size() > kMetadata.size() &&
      EqualsIgnoringCase(name.substr(0, kMetadata.size()), kMetadata) &&
      x.metadata.size() < kMaxMetadata && value.size() < kMaxMetadataBytes)
    x.metadata[Lower(name.substr(kMetadata.size()))] = value;
  return size * count;
}

size_t OnBody(char* data, size_t size, size_t count, void* user) {
  auto& x = *static_cast<Exchange*>(user);
  const size_t n = size * count;
  long status = 0;
  curl_easy_getinfo(x.curl, CURLINFO_RESPONSE_CODE, &status);
  if (x.into && (status == 200 || status == 206)) {
    if (n > x.into->size() - x.filled) {
      x.overflow = true;
      return 0;
    }
    std::memcpy(x.into->data() + x.filled, data, n);
    x.filled += n;
    return n;
  }
  if (x.text.size() + n > (status == 200 ? kMaxListBytes : kMaxErrorBytes)) {
    x.overflow = true;
    return 0;
  }
  x.text.append(data, n);
  return n;
}

int OnProgress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Exchange*>(user)->stop->load() ? 1 : 0;
}

// Whether a store's words hold something of the credentials or of the signature it was sent.
bool Repeats(std::string_view said, const std::vector<std::pair<std::string, std::string>>& headers,
             const Credentials& credentials) {
  const auto holds = [said](std::string_view secret) {
    return !secret.empty() && said.find(secret) != std::string_view::npos;
  };
  if (holds(credentials.session_token.Reveal()) || holds(credentials.secret_access_key.Reveal()))
    return true;
  constexpr std::string_view kSignature = "Signature=";
  return std::ranges::any_of(headers, [&](const auto& header) {
    const size_t at =
        header.first == "authorization" ? header.second.rfind(kSignature) : std::string::npos;
    return at != std::string::npos &&
           holds(std::string_view(header.second).substr(at + kSignature.size()));
  });
}

struct HeaderList {
  curl_slist* list = nullptr;
  ~HeaderList() { curl_slist_free_all(list); }
  void Add(const std::string& line) { list = curl_slist_append(list, line.c_str()); }
};

class S3Store final : public ObjectStore {
 public:
  explicit S3Store(const S3Options& options) : options_(options) {
    static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
    (void)global;
  }
  ~S3Store() override {
    for (CURL* c : idle_) curl_easy_cleanup(c);
  }

  Result<ListPage> List(const Credentials& credentials, const std::string& bucket,
                        const std::string& prefix, const std::string& delimiter,
                        const std::string& next) override;
  Result<ObjectInfo> Head(const Credentials& credentials, const std::string& bucket,
                          const std::string& key) override;
  Result<void> GetRange(const Credentials& credentials, const std::string& bucket,
                        const std::string& key, const std::string& etag, uint64_t offset,
                        std::span<char> into) override;
  Result<std::string> Put(const Credentials& credentials, const std::string& bucket,
                          const std::string& key, std::string_view bytes) override;
  Result<void> CreateBucket(const Credentials& credentials, const std::string& bucket) override;
  Result<std::string> BeginUpload(const Credentials& credentials, const std::string& bucket,
                                  const std::string& key, const Encryption& encryption) override;
  Result<std::string> PutPart(const Credentials& credentials, const std::string& bucket,
                              const std::string& key, const std::string& upload, uint32_t number,
                              std::string_view bytes) override;
  Result<void> CompleteUpload(const Credentials& credentials, const std::string& bucket,
                              const std::string& key, const std::string& upload,
                              const std::vector<std::string>& etags) override;
  Result<void> AbortUpload(const Credentials& credentials, const std::string& bucket,
                           const std::string& key, const std::string& upload) override;
  Result<void> Delete(const Credentials& credentials, const std::string& bucket,
                      const std::string& key) override;
  void Stop() override {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    stopped_.notify_all();
  }

 private:
  // Sends with retries. Answers when the status is a success or one of those the caller reads
  // itself (404 and 412 are errors).
  Result<void> Send(const Credentials& credentials, Exchange& x);
  Result<void> SendOnce(const Credentials& credentials, Exchange& x, bool& retry);
  CURL* Take();
  void GiveBack(CURL* curl);

  S3Options options_;
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;
  std::condition_variable stopped_;
  std::vector<CURL*> idle_;  // with their kept-alive connections
};

CURL* S3Store::Take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      CURL* c = idle_.back();
      idle_.pop_back();
      return c;
    }
  }
  return curl_easy_init();
}

void S3Store::GiveBack(CURL* curl) {
  curl_easy_reset(curl);
  {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < options_.idle_connections) {
      idle_.push_back(curl);
      return;
    }
  }
  curl_easy_cleanup(curl);
}

Result<void> S3Store::SendOnce(const Credentials& credentials, Exchange& x, bool& retry) {
  retry = false;
  if (stop_) return Fail(ErrorKind::kAdminShutdown, "the gateway is going down");
  auto headers = x.headers;
  // Or it would be said to be a form, and some servers read it as one.
  const bool typed = std::ranges::any_of(
      headers, [](const auto& header) { return header.first == "content-type"; });
  if (!typed && (x.method == "PUT" || x.method == "POST"))
    headers.emplace_back("content-type", "application/octet-stream");
  SKEP_TRY(SignS3(credentials, x.method, x.url, x.body, headers));
  HeaderList list;
  for (const auto& [name, value] : headers) list.Add(name + ": " + value);
  list.Add("Expect:");
  list.Add("Accept:");

  CURL* c = Take();
  if (!c) return Fail(ErrorKind::kInternal, "cannot make an HTTP client");
  struct Return {
    S3Store& store;
    CURL* curl;
    ~Return() { store.GiveBack(curl); }
  } give_back{*this, c};
  x.curl = c;
  x.stop = &stop_;
  x.status = 0;
  x.text.clear();
  x.filled = 0;
  x.overflow = false;
  x.etag.clear();
  x.last_modified.clear();
  x.content_range.clear();
  x.content_length.reset();
  const std::string url = x.url.Text();
  char reason[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(c, CURLOPT_URL, url.c_str());
  curl_easy_setopt(c, CURLOPT_ERRORBUFFER, reason);
  curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(c, CURLOPT_PROXY, "");
  curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(c, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(c, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(options_.connect_timeout.count()));
  curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1024L);
  curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options_.stall_timeout.count()));
  curl_easy_setopt(c, CURLOPT_TIMEOUT, static_cast<long>(options_.total_timeout.count()));
  curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 256L << 10);
  curl_easy_setopt(c, CURLOPT_HTTPHEADER, list.list);
  curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, OnHeader);
  curl_easy_setopt(c, CURLOPT_HEADERDATA, &x);
  curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(c, CURLOPT_WRITEDATA, &x);
  curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, OnProgress);
  curl_easy_setopt(c, CURLOPT_XFERINFODATA, &x);
  if (!options_.ca_file.empty()) curl_easy_setopt(c, CURLOPT_CAINFO, options_.ca_file.c_str());
  if (x.method == "HEAD") curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
  if (x.method == "DELETE") curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, "DELETE");
  if (x.method == "PUT" || x.method == "POST") {
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, x.method.c_str());
    curl_easy_setopt(c, CURLOPT_POSTFIELDS, x.body.data() ? x.body.data() : "");
    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(x.body.size()));
  }
  const CURLcode code = curl_easy_perform(c);
  curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &x.status);
  const std::string where = fmt::format("{} {}", x.method, x.url.Place());
  if (stop_) return Fail(ErrorKind::kAdminShutdown, "the gateway is going down");
  if (code != CURLE_OK) {
    if (x.overflow)
      return Fail(ErrorKind::kExternalUnavailable,
                  fmt::format("the object store sent more than was asked for: {}", where));
    // A stalled server keeps a statement waiting long enough as it is; everything else is worth
    // another try.
    retry = code != CURLE_OPERATION_TIMEDOUT;
    if (code == CURLE_OPERATION_TIMEDOUT) {
      return Fail(ErrorKind::kExternalUnavailable,
                  fmt::format("the object store is too slow: {}", where), reason,
                  "Run the statement again later.");
    }
    if (code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING) {
      return Fail(ErrorKind::kExternalUnavailable,
                  fmt::format("the object store cut its answer short: {}", where), reason,
                  "Run the statement again.");
    }
    return Fail(ErrorKind::kExternalUnavailable,
                fmt::format("the object store cannot be reached: {}", where),
                reason[0] ? reason : curl_easy_strerror(code),
                "Check the account's endpoint and whether the service is up.");
  }
  if (x.status >= 200 && x.status < 300) return {};

  std::string detail;
  pugi::xml_document document;  // what a store says of itself may repeat what it was sent
  if (document.load_buffer(x.text.data(), x.text.size())) {
    const auto error = document.child("Error");
    detail = fmt::format("{}: {}", error.child_value("Code"), error.child_value("Message"));
    if (detail == ": " || Repeats(detail, headers, credentials)) detail.clear();
  }
  detail = fmt::format("HTTP {}{}{}", x.status, detail.empty() ? "" : ", ", detail.substr(0, 500));
  switch (x.status) {
    case 401:
    case 403:
      return Fail(ErrorKind::kExternalDenied,
                  fmt::format("the object store denied access: {}", where), detail,
                  "Check the account's keys and what its bucket policies allow.");
    case 404:
      return Fail(ErrorKind::kExternalNotFound,
                  fmt::format("not found in the object store: {}", where), detail);
    case 412:
    case 416:
      return Fail(ErrorKind::kExternalChanged,
                  fmt::format("the object changed while it was read: {}", x.url.Place()), detail,
                  "Run the statement again.");
    default:
      retry = x.status >= 500 || x.status == 429;
      return Fail(ErrorKind::kExternalUnavailable,
                  fmt::format("the object store failed: {}", where), detail,
                  retry ? "Run the statement again later." : "");
  }
}

Result<void> S3Store::Send(const Credentials& credentials, Exchange& x) {
  thread_local std::minstd_rand random(std::random_device{}());
  auto backoff = options_.first_backoff;
  for (int attempt = 1;; attempt++) {
    bool retry = false;
    auto sent = SendOnce(credentials, x, retry);
    if (sent || !retry || attempt >= options_.attempts) return sent;
    log::Debug(
        "object_store_retry",
        {{"attempt", attempt}, {"reason", sent.error().message}, {"detail", sent.error().detail}});
    // Half fixed, half random, so that many readers do not come back together.
    const auto wait = backoff / 2 + backoff * static_cast<int>(random() % 512) / 1024;
    std::unique_lock lock(mutex_);
    if (stopped_.wait_for(lock, wait, [this] { return stop_.load(); }))
      return Fail(ErrorKind::kAdminShutdown, "the gateway is going down");
    backoff *= 2;
  }
}

Result<ListPage> S3Store::List(const Credentials& credentials, const std::string& bucket,
                               const std::string& prefix, const std::string& delimiter,
                               const std::string& next) {
  Exchange x;
  x.method = "GET";
  SKEP_TRY_ASSIGN(x.url, MakeS3Url(credentials, bucket, ""));
  if (!next.empty()) x.url.query.emplace_back("continuation-token", next);
  if (!delimiter.empty()) x.url.query.emplace_back("delimiter", delimiter);
  x.url.query.emplace_back("encoding-type", "url");
  x.url.query.emplace_back("list-type", "2");
  x.url.query.emplace_back("max-keys", "1000");
  x.url.query.emplace_back("prefix", prefix);
  SKEP_TRY(Send(credentials, x));
  auto page = ParseListing(x.text);
  if (!page) return page;
  // A server that answers more than was asked for must not widen what a role may see.
  for (const auto& object : page->objects) {
    if (!object.key.starts_with(prefix)) {
      return Fail(ErrorKind::kExternalUnavailable,
                  fmt::format("the object store listed {} under prefix {}", object.key, prefix));
    }
  }
  return page;
}

Result<ObjectInfo> S3Store::Head(const Credentials& credentials, const std::string& bucket,
                                 const std::string& key) {
  Exchange x;
  x.method = "HEAD";
  SKEP_TRY_ASSIGN(x.url, MakeS3Url(credentials, bucket, key));
  SKEP_TRY(Send(credentials, x));
  if (!x.content_length || *x.content_length > kMaxObjectBytes || !IsEtag(x.etag)) {
    return Fail(
        ErrorKind::kExternalUnavailable,
        fmt::format("the object store's answer lacks a length or an ETag: HEAD {}", x.url.Place()));
  }
  ObjectInfo info{key, x.etag, *x.content_length, 0, std::move(x.metadata)};
  const time_t modified = curl_getdate(x.last_modified.c_str(), nullptr);
  if (modified > 0) info.modified_s = modified;
  return info;
}

Result<void> S3Store::GetRange(const Credentials& credentials, const std::string& bucket,
                               const std::string& key, const std::string& etag, uint64_t offset,
                               std::span<char> into) {
  if (into.empty()) return {};
  Exchange x;
  x.method = "GET";
  SKEP_TRY_ASSIGN(x.url, MakeS3Url(credentials, bucket, key));
  x.headers.emplace_back("range", fmt::format("bytes={}-{}", offset, offset + into.size() - 1));
  if (!etag.empty()) x.headers.emplace_back("if-match", '"' + etag + '"');
  x.into = into;
  SKEP_TRY(Send(credentials, x));
  if (!etag.empty() && !x.etag.empty() && x.etag != etag) {
    return Fail(ErrorKind::kExternalChanged,
                fmt::format("the object changed while it was read: {}", x.url.Place()), {},
                "Run the statement again.");
  }
  if ((x.status == 200 && offset != 0) ||
      (x.status == 206 && !x.content_range.empty() &&
       !x.content_range.starts_with(fmt::format("bytes {}-", offset)))) {
    return Fail(ErrorKind::kExternalUnavailable,
                fmt::format("the object store ignored the range asked for: {}", x.url.Place()));
  }
  if (x.filled != into.size()) {
    return Fail(ErrorKind::kExternalUnavailable,
                fmt::format("the object store cut its answer short: GET {}", x.url.Place()),
                fmt::format("{} of {} bytes", x.filled, into.size()), "Run the statement again.");
  }
  return {};
}

Result<std::string> S3Store::Put(const Credentials& credentials, const std::string& bucket,
                                 const std::string& key, std::string_view bytes) {
  Exchange x;
  x.method = "PUT";
  SKEP_TRY_ASSIGN(x.url, MakeS3Url(credentials, bucket, key));
  x.body = bytes;
  SKEP_TRY(Send(credentials, x));
  return x.etag;
}

Result<void> S3Store::CreateBucket(const Credentials& credentials, const std::string& bucket) {
  Exchange x;
  x.method = "PUT";
  SKEP_TRY_ASSIGN(x.url, MakeS3Url(credentials, bucket, ""));
  return Send(credentials, x);
}

Result<std::string> S3Store::BeginUpload(const Credentials& credentials, const std::string& bucket,
                                         const std::string& key, const Encryption& encryption) {
  Exchange x;
  x.method = "POST";
  SKEP_TRY_ASSIGN(x.url, MakeS3Url(credentials, bucket, key));
  x.url.query.emplace_back("uploads", "");
  x.headers.emplace_back("content-type", "binary/octet-stream");
  if (encryption.kms) {
    x.headers.emplace_back("x-amz-server-side-encryption", "aws:kms");
    if (!encryption.kms_key_id.empty())
      x.headers.emplace_back("x-amz-server-side-encryption-aws-kms-key-id", encryption.kms_key_id);
  }
  for (const auto& [name, value] : encryption.metadata)
    x.headers.emplace_back(std::string(kMetadata) + name, value);
  SKEP_TRY(Send(credentials, x));
  pugi::xml_document document;
  std::string upload;
  if (document.load_buffer(x.text.data(), x.text.size()))
    upload = document.child("InitiateMultipartUploadResult").child_value("UploadId");
  if (upload.empty())
    return Fail(ErrorKind::kExternalUnavailable,
                fmt::format("the object store began no upload of {}", x.url.Place()));
  return upload;
}

Result<std::string> S3Store::PutPart(const Credentials& credentials, const std::string& bucket,
                                     const std::string& key, const std::string& upload,
                                     uint32_t number, std::string_view bytes) {
  Exchange x;
  x.method = "PUT";
  SKEP_TRY_ASSIGN(x.url, MakeS3Url(credentials, bucket, key));
  x.url.query.emplace_back("partNumber", std::to_string(number));
  x.url.query.emplace_back("uploadId", upload);
  x.body = bytes;
  SKEP_TRY(Send(credentials, x));
  if (x.etag.empty())
    return Fail(
        ErrorKind::kExternalUnavailable,
        fmt::format("the object store gave no ETag for part {} of {}", number, x.url.Place()));
  return x.etag;
}

Result<void> S3Store::CompleteUpload(const Credentials& credentials, const std::string& bucket,
                                     const std::string& key, const std::string& upload,
                                     const std::vector<std::string>& etags) {
  Exchange x;
  x.method = "POST";
  SKEP_TRY_ASSIGN(x.url, MakeS3Url(credentials, bucket, key));
  x.url.query.emplace_back("uploadId", upload);
  pugi::xml_document list;
  auto root = list.append_child("CompleteMultipartUpload");
  for (size_t i = 0; i < etags.size(); i++) {
    auto part = root.append_child("Part");
    part.append_child("PartNumber").text().set(static_cast<unsigned>(i + 1));
    part.append_child("ETag").text().set(("\"" + etags[i] + "\"").c_str());
  }
  std::ostringstream body;
  list.save(body, "", pugi::format_raw | pugi::format_no_declaration);
  const std::string text = std::move(body).str();
  x.body = text;
  x.headers.emplace_back("content-type", "application/xml");
  SKEP_TRY(Send(credentials, x));
  // Long completions are answered 200 before they are done; then the body says how they ended.
  pugi::xml_document answer;
  if (answer.load_buffer(x.text.data(), x.text.size()) && answer.child("Error"))
    return Fail(ErrorKind::kExternalUnavailable,
                fmt::format("the object store failed: POST {}", x.url.Place()),
                fmt::format("{}: {}", answer.child("Error").child_value("Code"),
                            answer.child("Error").child_value("Message")));
  return {};
}

Result<void> S3Store::AbortUpload(const Credentials& credentials, const std::string& bucket,
                                  const std::string& key, const std::string& upload) {
  Exchange x;
  x.method = "DELETE";
  SKEP_TRY_ASSIGN(x.url, MakeS3Url(credentials, bucket, key));
  x.url.query.emplace_back("uploadId", upload);
  return Send(credentials, x);
}

Result<void> S3Store::Delete(const Credentials& credentials, const std::string& bucket,
                             const std::string& key) {
  Exchange x;
  x.method = "DELETE";
  SKEP_TRY_ASSIGN(x.url, MakeS3Url(credentials, bucket, key));
  auto sent = Send(credentials, x);
  if (!sent && sent.error().kind == ErrorKind::kExternalNotFound) return {};
  return sent;
}

std::unexpected<Error> ReadsOnly() {
  return Fail(ErrorKind::kFeatureNotSupported, "this object store takes no uploads");
}

}  // namespace

Result<std::string> ObjectStore::BeginUpload(const Credentials&, const std::string&,
                                             const std::string&, const Encryption&) {
  return ReadsOnly();
}
Result<std::string> ObjectStore::PutPart(const Credentials&, const std::string&, const std::string&,
                                         const std::string&, uint32_t, std::string_view) {
  return ReadsOnly();
}
Result<void> ObjectStore::CompleteUpload(const Credentials&, const std::string&, const std::string&,
                                         const std::string&, const std::vector<std::string>&) {
  return ReadsOnly();
}
Result<void> ObjectStore::AbortUpload(const Credentials&, const std::string&, const std::string&,
                                      const std::string&) {
  return ReadsOnly();
}
Result<void> ObjectStore::Delete(const Credentials&, const std::string&, const std::string&) {
  return ReadsOnly();
}

std::unique_ptr<ObjectStore> MakeS3Store(const S3Options& options) {
  return std::make_unique<S3Store>(options);
}

Result<std::vector<ObjectInfo>> ListAll(ObjectStore& store, const Credentials& credentials,
                                        const std::string& bucket, const std::string& prefix,
                                        size_t limit, const std::function<bool()>& stopped) {
  std::vector<ObjectInfo> all;
  std::string next;
  size_t empty_pages = 0;
  do {
    if (stopped && stopped())
      return Fail(ErrorKind::kQueryCanceled, "nobody waits for the listing any more");
    SKEP_TRY_ASSIGN(ListPage page, store.List(credentials, bucket, prefix, "", next));
    if (page.objects.size() > limit - all.size()) {
      return Fail(ErrorKind::kPayloadTooLarge,
                  fmt::format("more than {} objects under s3://{}/{}", limit, bucket, prefix));
    }
    empty_pages = page.objects.empty() ? empty_pages + 1 : 0;
    if (!page.next.empty() && (page.next == next || empty_pages > kMaxEmptyPages)) {
      return Fail(
          ErrorKind::kExternalUnavailable,
          fmt::format("the object store's listing of s3://{}/{} does not end", bucket, prefix));
    }
    std::ranges::move(page.objects, std::back_inserter(all));
    next = std::move(page.next);
  } while (!next.empty());
  return all;
}

bool ParseS3Path(std::string_view path, std::string& bucket, std::string& key) {
  bool matched = false;
  for (const std::string_view scheme : {"s3://", "s3a://", "s3n://"}) {
    if (path.starts_with(scheme)) {
      path.remove_prefix(scheme.size());
      matched = true;
      break;
    }
  }
  if (!matched) return false;
  const size_t slash = path.find('/');
  bucket = path.substr(0, slash);
  key = slash == std::string_view::npos ? std::string() : std::string(path.substr(slash + 1));
  return !bucket.empty();
}

bool IsHiddenObject(std::string_view relative, uint64_t size) {
  if (size == 0 || relative.empty() || relative.ends_with('/') || relative.ends_with('~'))
    return true;
  while (true) {
    const size_t slash = relative.find('/');
    const std::string_view segment = relative.substr(0, slash);
    if (!segment.empty() && (segment[0] == '.' || segment[0] == '_' || segment[0] == '#'))
      return true;
    if (slash == std::string_view::npos) return false;
    relative.remove_prefix(slash + 1);
  }
}

}  // namespace skep::lake
