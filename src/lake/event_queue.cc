#include "lake/event_queue.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "identity/sigv4.h"

namespace skep::lake {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxAnswerBytes = 16u << 20;  // ten messages of 1 MiB
constexpr long kConnectTimeoutMs = 3000;

struct Answer {
  std::string text;
  const std::atomic<bool>* stopping;
};

size_t OnBody(char* data, size_t size, size_t count, void* user) {
  auto& answer = *static_cast<Answer*>(user);
  if (answer.text.size() + size * count > kMaxAnswerBytes) return 0;
  answer.text.append(data, size * count);
  return size * count;
}

int OnProgress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Answer*>(user)->stopping->load() ? 1 : 0;
}

// Scheme and host of the queue's URL: calls of the JSON protocol go to its root.
std::pair<std::string, std::string> OriginOf(const std::string& url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string::npos) return {};
  const size_t host = scheme + 3, end = url.find('/', host);
  return {url.substr(0, scheme), url.substr(host, end == std::string::npos ? end : end - host)};
}

std::string Member(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

EventQueue::EventQueue(std::string url, identity::Account account,
                       const std::atomic<bool>& stopping)
    : url_(std::move(url)), account_(std::move(account)), stopping_(stopping) {}

Result<std::string> EventQueue::Call(const std::string& operation, const std::string& body,
                                     std::chrono::seconds timeout) {
  const auto [scheme, host] = OriginOf(url_);
  identity::HeaderList headers = {{"host", host},
                                  {"content-type", "application/x-amz-json-1.0"},
                                  {"x-amz-target", "AmazonSQS." + operation}};
  identity::SignRequest(
      "POST", "/", "", headers, body,
      {account_.access_key_id, account_.secret_access_key, Secret(), account_.region, "sqs"},
      static_cast<int64_t>(std::time(nullptr)));
  std::unique_ptr<curl_slist, void (*)(curl_slist*)> list(nullptr, curl_slist_free_all);
  for (const auto& [name, value] : headers) {
    curl_slist* longer = curl_slist_append(list.get(), (name + ": " + value).c_str());
    (void)list.release();
    list.reset(longer);
  }
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  if (!curl) return Fail(ErrorKind::kInternal, "cannot make an HTTP client");
  CURL* const c = curl.get();
  Answer answer{{}, &stopping_};
  const std::string url = scheme + "://" + host + "/";
  curl_easy_setopt(c, CURLOPT_URL, url.c_str());
  curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(c, CURLOPT_PROXY, "");
  curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  curl_easy_setopt(c, CURLOPT_TIMEOUT, static_cast<long>(timeout.count()));
  curl_easy_setopt(c, CURLOPT_HTTPHEADER, list.get());
  curl_easy_setopt(c, CURLOPT_POSTFIELDS, body.c_str());
  curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(c, CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, OnProgress);
  curl_easy_setopt(c, CURLOPT_XFERINFODATA, &answer);
  const CURLcode code = curl_easy_perform(c);
  if (stopping_) return Fail(ErrorKind::kAdminShutdown, "the gateway is going down");
  if (code != CURLE_OK) {
    return Fail(ErrorKind::kExternalUnavailable,
                fmt::format("the queue {} cannot be reached", url_), curl_easy_strerror(code));
  }
  long status = 0;
  curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
  if (status == 200) return std::move(answer.text);
  const Json json = Json::parse(answer.text, nullptr, false);
  return Fail(
      status == 401 || status == 403 ? ErrorKind::kExternalDenied : ErrorKind::kExternalUnavailable,
      fmt::format("the queue {} refused {}", url_, operation),
      fmt::format("HTTP {}, {}", status,
                  json.is_object() ? Member(json, "__type").substr(0, 200) : ""));
}

Result<std::vector<QueueMessage>> EventQueue::Receive(std::chrono::seconds wait) {
  const Json request = {
      {"QueueUrl", url_}, {"MaxNumberOfMessages", 10}, {"WaitTimeSeconds", wait.count()}};
  SKEP_TRY_ASSIGN(const std::string text,
                  Call("ReceiveMessage", request.dump(), wait + std::chrono::seconds(10)));
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object())
    return Fail(ErrorKind::kExternalUnavailable, fmt::format("the queue {} answers no JSON", url_));
  std::vector<QueueMessage> messages;
  const auto list = json.find("Messages");
  if (list == json.end() || !list->is_array()) return messages;
  for (const Json& message : *list) {
    if (message.is_object())
      messages.push_back({Member(message, "Body"), Member(message, "ReceiptHandle")});
  }
  return messages;
}

Result<void> EventQueue::Delete(const std::vector<std::string>& receipts) {
  Json entries = Json::array();
  for (size_t i = 0; i < receipts.size(); i++)
    entries.push_back({{"Id", std::to_string(i)}, {"ReceiptHandle", receipts[i]}});
  const Json request = {{"QueueUrl", url_}, {"Entries", std::move(entries)}};
  SKEP_TRY(Call("DeleteMessageBatch", request.dump(), std::chrono::seconds(10)));
  return {};
}

}  // namespace skep::lake
