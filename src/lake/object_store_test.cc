#include "lake/object_store.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>

#include "base/unique_fd.h"

namespace skep::lake {
namespace {

UniqueFd ListenOnLoopback(uint16_t& port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(fd.get(), 16) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return UniqueFd();
  }
  port = ntohs(address.sin_port);
  return fd;
}

// Answers each request with what `answer` returns for its text and number; "" = hang until the end,
// "-" = close at once. The connection closes after every answer.
class FaultyServer {
 public:
  using Script = std::function<std::string(const std::string& request, int number)>;
  explicit FaultyServer(Script answer)
      : answer_(std::move(answer)),
        listener_(ListenOnLoopback(port_)),
        end_(::eventfd(0, EFD_CLOEXEC)) {
    thread_ = std::thread([this] { Run(); });
  }
  ~FaultyServer() {
    const uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(end_.get(), &one, sizeof one);
    thread_.join();
    for (auto& t : clients_) t.join();
  }
  std::string url() const { return fmt::format("http://127.0.0.1:{}", port_); }
  int requests() const { return requests_; }

 private:
  bool WaitFor(int fd) {
    pollfd fds[2] = {{fd, POLLIN, 0}, {end_.get(), POLLIN, 0}};
    ::poll(fds, 2, -1);
    return (fds[1].revents & POLLIN) == 0;
  }
  void Run() {
    while (WaitFor(listener_.get())) {
      auto client =
          std::make_shared<UniqueFd>(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      clients_.emplace_back([this, client] {
        std::string request;
        char buffer[4096];
        while (request.find("\r\n\r\n") == std::string::npos) {
          if (!WaitFor(client->get())) return;
          const ssize_t n = ::read(client->get(), buffer, sizeof buffer);
          if (n <= 0) return;
          request.append(buffer, static_cast<size_t>(n));
        }
        const std::string answer = answer_(request, ++requests_);
        if (answer == "-") return;
        for (size_t at = 0; at < answer.size();) {
          const ssize_t n =
              ::send(client->get(), answer.data() + at, answer.size() - at, MSG_NOSIGNAL);
          if (n <= 0) return;
          at += static_cast<size_t>(n);
        }
        if (answer.empty() || answer.ends_with("HANG")) {
          pollfd fd{end_.get(), POLLIN, 0};
          ::poll(&fd, 1, -1);
        }
      });
    }
  }

  Script answer_;
  uint16_t port_ = 0;
  UniqueFd listener_, end_;
  std::atomic<int> requests_ = 0;
  std::vector<std::thread> clients_;
  std::thread thread_;
};

S3Options Fast() {
  S3Options o;
  o.connect_timeout = std::chrono::milliseconds(1000);
  o.stall_timeout = std::chrono::seconds(1);
  o.first_backoff = std::chrono::milliseconds(2);
  o.attempts = 3;
  return o;
}

Credentials Keys(const std::string& endpoint) {
  Credentials c;
  c.account = "111111111111";
  c.access_key_id = "AKIATEST";
  c.secret_access_key = Secret("secretsecret");
  c.endpoint = endpoint;
  c.region = "us-east-1";
  return c;
}

std::string Http(int status, std::string_view body, std::string_view headers = "") {
  return fmt::format("HTTP/1.1 {} X\r\nContent-Length: {}\r\nConnection: close\r\n{}\r\n{}", status,
                     body.size(), headers, body);
}

Result<void> Read(ObjectStore& store, const Credentials& keys, std::string& into,
                  uint64_t offset = 0, const std::string& etag = "e1") {
  return store.GetRange(keys, "bucket", "key", etag, offset, std::span<char>(into));
}

TEST(ObjectStore, TellsFaultsApart) {
  struct Case {
    const char* what;
    std::string answer;
    ErrorKind kind;
    int requests;
  };
  const std::string ok = "ETag: \"e1\"\r\n";
  const Case cases[] = {
      {"500", Http(500, "<Error><Code>InternalError</Code></Error>"),
       ErrorKind::kExternalUnavailable, 3},
      {"503", Http(503, "<Error><Code>SlowDown</Code></Error>"), ErrorKind::kExternalUnavailable,
       3},
      {"403", Http(403, "<Error><Code>AccessDenied</Code></Error>"), ErrorKind::kExternalDenied, 1},
      {"401", Http(401, ""), ErrorKind::kExternalDenied, 1},
      {"404", Http(404, "<Error><Code>NoSuchKey</Code></Error>"), ErrorKind::kExternalNotFound, 1},
      {"412", Http(412, ""), ErrorKind::kExternalChanged, 1},
      {"416", Http(416, ""), ErrorKind::kExternalChanged, 1},
      {"a redirect", Http(301, "", "Location: http://169.254.169.254/\r\n"),
       ErrorKind::kExternalUnavailable, 1},
      {"another ETag", Http(206, "0123456789", "ETag: \"e2\"\r\n"), ErrorKind::kExternalChanged, 1},
      {"body cut short",
       "HTTP/1.1 206 X\r\nContent-Length: 10\r\nConnection: close\r\n" + ok + "\r\n01234",
       ErrorKind::kExternalUnavailable, 3},
      {"fewer bytes than asked", Http(206, "01234", ok), ErrorKind::kExternalUnavailable, 1},
      {"more bytes than asked", Http(206, "0123456789abcdef", ok), ErrorKind::kExternalUnavailable,
       1},
      {"an endless header", "HTTP/1.1 200 X\r\nX: " + std::string(200'000, 'a'),
       ErrorKind::kExternalUnavailable, 3},
      {"no HTTP", "hello\r\n\r\n", ErrorKind::kExternalUnavailable, 3},
      {"closed at once", "-", ErrorKind::kExternalUnavailable, 3},
      {"a stall", "HTTP/1.1 206 X\r\nContent-Length: 10\r\n" + ok + "\r\nHANG",
       ErrorKind::kExternalUnavailable, 1},
      {"silence", "", ErrorKind::kExternalUnavailable, 1},
  };
  for (const auto& c : cases) {
    FaultyServer server([&](const std::string&, int) { return c.answer; });
    const auto store = MakeS3Store(Fast());
    std::string into(10, '\0');
    const auto got = Read(*store, Keys(server.url()), into);
    ASSERT_FALSE(got) << c.what;
    EXPECT_EQ(got.error().kind, c.kind)
        << c.what << ": " << got.error().message << " " << got.error().detail;
    EXPECT_NE(got.error().message.find("s3://bucket/key"), std::string::npos)
        << c.what << ": " << got.error().message;
    EXPECT_EQ(server.requests(), c.requests) << c.what;
  }
}

TEST(ObjectStore, SucceedsAfterPassingFaults) {
  FaultyServer server([](const std::string&, int n) {
    if (n == 1) return Http(503, "");
    if (n == 2) return std::string("-");
    return Http(206, "0123456789", "ETag: \"e1\"\r\n");
  });
  const auto store = MakeS3Store(Fast());
  std::string into(10, '\0');
  ASSERT_TRUE(Read(*store, Keys(server.url()), into));
  EXPECT_EQ(into, "0123456789");
  EXPECT_EQ(server.requests(), 3);
}

TEST(ObjectStore, ReadsTheMetadataOfAnObject) {
  std::string many;
  for (int i = 0; i < 500; i++)
    many += "x-amz-meta-m" + std::to_string(i) + ": " + std::string(40, 'v') + "\r\n";
  FaultyServer server([&](const std::string& request, int) {
    return Http(200, "", "ETag: \"e1\"\r\nX-Amz-Meta-X-Amz-Key:  k= \r\nx-amz-meta-: nameless\r\n" +
                             std::string("x-amz-meta-x-amz-matdesc: {}\r\n") +
                             (request.find("many") != std::string::npos ? many : ""));
  });
  const auto store = MakeS3Store(Fast());
  const auto object = store->Head(Keys(server.url()), "bucket", "key");
  ASSERT_TRUE(object) << object.error().message;
  EXPECT_EQ(object->metadata, (std::map<std::string, std::string>{{"x-amz-key", "k="},
                                                                  {"x-amz-matdesc", "{}"}}));
  const auto full = store->Head(Keys(server.url()), "bucket", "many");
  ASSERT_TRUE(full);
  EXPECT_EQ(full->metadata.at("x-amz-key"), "k=");
  EXPECT_LE(full->metadata.size(), 64u);
}

TEST(ObjectStore, UploadsInPartsAndReadsWhatACompletionSays) {
  std::vector<std::string> heard;
  std::mutex mutex;
  FaultyServer server([&](const std::string& request, int number) {
    const std::lock_guard lock(mutex);
    heard.push_back(request.substr(0, request.find("\r\n\r\n")));
    if (number == 1) return Http(503, "<Error><Code>SlowDown</Code></Error>");
    if (request.starts_with("POST") && request.find("?uploads=") != std::string::npos)
      return Http(200,
                  "<InitiateMultipartUploadResult><UploadId>u 1</UploadId>"
                  "</InitiateMultipartUploadResult>");
    if (request.starts_with("PUT")) return Http(200, "", "ETag: \"e1\"\r\n");
    if (request.starts_with("POST"))  // its beginning was promising
      return Http(200, "<Error><Code>InternalError</Code><Message>no</Message></Error>");
    return Http(request.find("uploadId=") != std::string::npos ? 204 : 404, "");
  });
  const auto store = MakeS3Store(Fast());
  const auto keys = Keys(server.url());
  const auto upload = store->BeginUpload(
      keys, "bucket", "a key", {true, "alias/k", {{"x-amz-key", "k+/="}, {"x-amz-iv", "i"}}});
  ASSERT_TRUE(upload) << upload.error().message;
  EXPECT_EQ(*upload, "u 1");
  EXPECT_EQ(store->PutPart(keys, "bucket", "a key", *upload, 2, "bytes").value_or(""), "e1");
  const auto completed = store->CompleteUpload(keys, "bucket", "a key", *upload, {"e1"});
  ASSERT_FALSE(completed);
  EXPECT_EQ(completed.error().kind, ErrorKind::kExternalUnavailable);
  EXPECT_NE(completed.error().detail.find("InternalError"), std::string::npos);
  EXPECT_TRUE(store->AbortUpload(keys, "bucket", "a key", *upload));
  EXPECT_TRUE(store->Delete(keys, "bucket", "gone"));
  const std::lock_guard lock(mutex);
  ASSERT_EQ(heard.size(), 6u);
  EXPECT_TRUE(heard[1].starts_with("POST /bucket/a%20key?uploads= HTTP/1.1")) << heard[1];
  EXPECT_NE(heard[1].find("x-amz-server-side-encryption: aws:kms"), std::string::npos);
  EXPECT_NE(heard[1].find("x-amz-server-side-encryption-aws-kms-key-id: alias/k"),
            std::string::npos);
  EXPECT_NE(heard[1].find("x-amz-meta-x-amz-key: k+/="), std::string::npos);
  EXPECT_NE(heard[1].find("x-amz-meta-x-amz-iv"), heard[1].rfind("x-amz-meta-x-amz-iv"))
      << "signed, too";
  EXPECT_EQ(heard[2].find("x-amz-meta-"), std::string::npos);
  EXPECT_TRUE(heard[2].starts_with("PUT /bucket/a%20key?partNumber=2&uploadId=u%201 HTTP/1.1"))
      << heard[2];
  EXPECT_TRUE(heard[4].starts_with("DELETE /bucket/a%20key?uploadId=u%201 ")) << heard[4];
}

TEST(ObjectStore, SaysThatNobodyListens) {
  uint16_t port = 0;
  {
    const auto closed = ListenOnLoopback(port);
  }
  const auto store = MakeS3Store(Fast());
  std::string into(10, '\0');
  const auto got = Read(*store, Keys(fmt::format("http://127.0.0.1:{}", port)), into);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kExternalUnavailable);
}

TEST(ObjectStore, RefusesListingsOfOtherPrefixes) {
  FaultyServer server([](const std::string&, int) {
    return Http(200,
                "<ListBucketResult><Contents><Key>secret/x</Key><ETag>e</ETag><Size>1</Size></"
                "Contents></ListBucketResult>");
  });
  const auto store = MakeS3Store(Fast());
  const auto page = store->List(Keys(server.url()), "bucket", "mine/", "", "");
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().kind, ErrorKind::kExternalUnavailable);
}

TEST(ObjectStore, EndsAListingThatRepeatsItself) {
  FaultyServer server([](const std::string&, int) {
    return Http(200,
                "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</"
                "NextContinuationToken></ListBucketResult>");
  });
  const auto store = MakeS3Store(Fast());
  EXPECT_FALSE(ListAll(*store, Keys(server.url()), "bucket", "", 10));
}

TEST(ObjectStore, EndsAListingOfEmptyPages) {
  FaultyServer server([](const std::string&, int number) {
    return Http(200, fmt::format("<ListBucketResult><IsTruncated>true</IsTruncated>"
                                 "<NextContinuationToken>t{}</NextContinuationToken>"
                                 "</ListBucketResult>",
                                 number));
  });
  const auto store = MakeS3Store(Fast());
  const auto all = ListAll(*store, Keys(server.url()), "bucket", "", 10);
  ASSERT_FALSE(all);
  EXPECT_EQ(all.error().kind, ErrorKind::kExternalUnavailable);
  EXPECT_LE(server.requests(), 110);
}

TEST(ObjectStore, EndsAListingThatNobodyWaitsFor) {
  FaultyServer server([](const std::string&, int number) {
    return Http(200, fmt::format("<ListBucketResult><Contents><Key>k{0}</Key><ETag>e</ETag>"
                                 "<Size>1</Size></Contents><IsTruncated>true</IsTruncated>"
                                 "<NextContinuationToken>t{0}</NextContinuationToken>"
                                 "</ListBucketResult>",
                                 number));
  });
  const auto store = MakeS3Store(Fast());
  const auto all = ListAll(*store, Keys(server.url()), "bucket", "", 1'000'000,
                           [&server] { return server.requests() >= 5; });
  ASSERT_FALSE(all);
  EXPECT_EQ(all.error().kind, ErrorKind::kQueryCanceled);
  EXPECT_EQ(server.requests(), 5);
}

TEST(ObjectStore, BelievesNoImpossibleListing) {
  for (const char* object :
       {"<ETag>e</ETag><Size>18446744073709551615</Size>", "<ETag>e</ETag><Size>-1</Size>",
        "<ETag>e</ETag><Size>1e9</Size>", "<ETag>e&#13;&#10;x-injected: 1</ETag><Size>1</Size>"}) {
    FaultyServer server([object](const std::string&, int) {
      return Http(200, fmt::format("<ListBucketResult><Contents><Key>k</Key>{}</Contents>"
                                   "</ListBucketResult>",
                                   object));
    });
    const auto store = MakeS3Store(Fast());
    EXPECT_FALSE(ListAll(*store, Keys(server.url()), "bucket", "", 10)) << object;
  }
}

TEST(ObjectStore, FollowsNoRedirect) {
  FaultyServer elsewhere([](const std::string&, int) { return Http(200, "0123456789"); });
  for (const int status : {301, 302, 303, 307, 308}) {
    FaultyServer server([&](const std::string&, int) {
      return Http(status, "", fmt::format("Location: {}/latest/meta-data\r\n", elsewhere.url()));
    });
    const auto store = MakeS3Store(Fast());
    std::string into(10, '\0');
    const auto read = Read(*store, Keys(server.url()), into);
    ASSERT_FALSE(read) << status;
    EXPECT_EQ(read.error().kind, ErrorKind::kExternalUnavailable);
    EXPECT_FALSE(store->Head(Keys(server.url()), "bucket", "key"));
    EXPECT_FALSE(store->List(Keys(server.url()), "bucket", "", "", ""));
  }
  EXPECT_EQ(elsewhere.requests(), 0);
}

TEST(ObjectStore, RefusesAnotherRangeThanItAskedFor) {
  FaultyServer server([](const std::string&, int) {
    return Http(206, "0123456789", "ETag: \"e\"\r\nContent-Range: bytes 100-109/1000\r\n");
  });
  const auto store = MakeS3Store(Fast());
  std::string into(10, '\0');
  EXPECT_FALSE(store->GetRange(Keys(server.url()), "bucket", "key", "e", 0, std::span(into)));
  EXPECT_TRUE(store->GetRange(Keys(server.url()), "bucket", "key", "e", 100, std::span(into)));
}

TEST(ObjectStore, BoundsHeadersWithoutEnd) {
  FaultyServer server([](const std::string&, int) {
    std::string headers;
    for (int i = 0; i < 100'000; i++) headers += fmt::format("x-{}: {:064}\r\n", i, i);
    return "HTTP/1.1 200 OK\r\n" + headers + "HANG";
  });
  const auto store = MakeS3Store(Fast());
  std::string into(10, '\0');
  EXPECT_FALSE(Read(*store, Keys(server.url()), into));
}

// A store sees the signature and the session token of each request; it must not make a messenger of
// us.
TEST(ObjectStore, PassesOnNoCredentialThatAStoreRepeats) {
  for (const char* header : {"x-amz-security-token: ", "Signature="}) {
    FaultyServer server([header](const std::string& request, int) {
      const size_t at = request.find(header) + std::string_view(header).size();
      return Http(403, fmt::format("<Error><Code>Denied</Code><Message>sent {}</Message></Error>",
                                   request.substr(at, request.find("\r\n", at) - at)));
    });
    Credentials keys = Keys(server.url());
    keys.session_token = Secret("a-token-of-a-session");
    const auto store = MakeS3Store(Fast());
    std::string into(10, '\0');
    const auto read = Read(*store, keys, into);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().kind, ErrorKind::kExternalDenied);
    EXPECT_EQ(read.error().detail, "HTTP 403") << header;
  }
}

TEST(ObjectStore, StopsWhileTheServerHangs) {
  std::atomic<bool> asked = false;
  FaultyServer server([&](const std::string&, int) {
    asked = true;
    asked.notify_all();
    return std::string();
  });
  auto options = Fast();
  options.stall_timeout = std::chrono::seconds(60);
  const auto store = MakeS3Store(options);
  std::thread stopper([&] {
    asked.wait(false);
    store->Stop();
  });
  std::string into(10, '\0');
  const auto got = Read(*store, Keys(server.url()), into);
  stopper.join();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kAdminShutdown);
}

// A real S3 server on a free loopback port, its data in a temporary directory.
class RealServer : public testing::Test {
 protected:
  static std::string Binary() {
    if (const char* named = ::getenv("SKEP_VERSITYGW")) return named;
    for (std::filesystem::path at = std::filesystem::current_path();; at = at.parent_path()) {
      if (std::filesystem::exists(at / ".deps/bin/versitygw")) return at / ".deps/bin/versitygw";
      if (at == at.parent_path()) break;
    }
    const std::string source = __FILE__;
    const size_t root = source.rfind("/src/lake/");
    if (root != std::string::npos &&
        std::filesystem::exists(source.substr(0, root) + "/.deps/bin/versitygw")) {
      return source.substr(0, root) + "/.deps/bin/versitygw";
    }
    const char* home = ::getenv("HOME");
    if (home && std::filesystem::exists(std::string(home) + "/go/bin/versitygw"))
      return std::string(home) + "/go/bin/versitygw";
    return {};
  }
  void SetUp() override {
    const std::string binary = Binary();
    if (binary.empty())
      GTEST_SKIP() << "versitygw is not installed (set SKEP_VERSITYGW, or run make)";
    char name[] = "/tmp/skep-s3-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
    {
      const auto free = ListenOnLoopback(port_);
    }
    const std::string address = fmt::format("127.0.0.1:{}", port_);
    const char* argv[] = {binary.c_str(), "--port",           address.c_str(), "--quiet",
                          "posix",        directory_.c_str(), nullptr};
    std::vector<std::string> environment = {"ROOT_ACCESS_KEY=AKIATEST",
                                            "ROOT_SECRET_KEY=secretsecret", "HOME=" + directory_,
                                            "PATH=/usr/bin:/bin"};
    std::vector<char*> env;
    for (auto& e : environment) env.push_back(e.data());
    env.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    ASSERT_EQ(::posix_spawn(&pid_, binary.c_str(), &actions, nullptr, const_cast<char**>(argv),
                            env.data()),
              0);
    posix_spawn_file_actions_destroy(&actions);
    keys_ = Keys("http://" + address);
    store_ = MakeS3Store(Fast());
    Result<ListPage> page = Fail(ErrorKind::kInternal, "");
    for (int i = 0; i < 200; i++) {
      page = store_->List(keys_, "nosuchbucket", "", "", "");
      if (page || page.error().kind != ErrorKind::kExternalUnavailable) break;
      ::poll(nullptr, 0, 50);
    }
    ASSERT_FALSE(page);
    ASSERT_EQ(page.error().kind, ErrorKind::kExternalNotFound)
        << page.error().message << page.error().detail;
    const auto made = store_->CreateBucket(keys_, "lake");
    ASSERT_TRUE(made) << made.error().message << made.error().detail;
  }
  void TearDown() override {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }

  std::string directory_;
  uint16_t port_ = 0;
  pid_t pid_ = -1;
  Credentials keys_;
  std::unique_ptr<ObjectStore> store_;
};

TEST_F(RealServer, WritesListsAndReadsBack) {
  const std::string content = "0123456789abcdef";
  const std::string odd = "t/a b+c&d=ü%/x (1).csv";
  for (const std::string& key : {std::string("t/one.csv"), odd, std::string("other/two.csv")}) {
    const auto put = store_->Put(keys_, "lake", key, content);
    ASSERT_TRUE(put) << key << ": " << put.error().message << " " << put.error().detail;
  }
  const auto all = ListAll(*store_, keys_, "lake", "t/", 10);
  ASSERT_TRUE(all) << all.error().message << " " << all.error().detail;
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ((*all)[0].key, odd);
  EXPECT_EQ((*all)[1].key, "t/one.csv");
  EXPECT_EQ((*all)[1].size, 16u);
  EXPECT_GT((*all)[1].modified_s, 1'600'000'000);
  for (const auto& object : *all) {
    const auto head = store_->Head(keys_, "lake", object.key);
    ASSERT_TRUE(head) << head.error().message;
    EXPECT_EQ(head->etag, object.etag);
    EXPECT_EQ(head->size, 16u);
    std::string into(6, '\0');
    const auto got =
        store_->GetRange(keys_, "lake", object.key, object.etag, 10, std::span<char>(into));
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(into, "abcdef");
  }
  const auto folders = store_->List(keys_, "lake", "", "/", "");
  ASSERT_TRUE(folders);
  EXPECT_EQ(folders->prefixes, (std::vector<std::string>{"other/", "t/"}));
}

TEST_F(RealServer, MakesAnObjectOfPartsOrOfNone) {
  const auto upload = store_->BeginUpload(keys_, "lake", "parts", {});
  ASSERT_TRUE(upload) << upload.error().message << upload.error().detail;
  const std::string first(5u << 20, 'a');
  const auto two = store_->PutPart(keys_, "lake", "parts", *upload, 2, "the end");
  const auto one = store_->PutPart(keys_, "lake", "parts", *upload, 1, first);
  ASSERT_TRUE(one && two);
  EXPECT_EQ(store_->Head(keys_, "lake", "parts").error().kind, ErrorKind::kExternalNotFound);
  const auto completed = store_->CompleteUpload(keys_, "lake", "parts", *upload, {*one, *two});
  ASSERT_TRUE(completed) << completed.error().message << completed.error().detail;
  std::string end(9, '\0');
  const auto found = store_->Head(keys_, "lake", "parts");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->size, first.size() + 7);
  ASSERT_TRUE(store_->GetRange(keys_, "lake", "parts", found->etag, first.size() - 2, end));
  EXPECT_EQ(end, "aathe end");
  const auto other = store_->BeginUpload(keys_, "lake", "dropped", {});
  ASSERT_TRUE(other);
  ASSERT_TRUE(store_->PutPart(keys_, "lake", "dropped", *other, 1, "x"));
  EXPECT_TRUE(store_->AbortUpload(keys_, "lake", "dropped", *other));
  EXPECT_FALSE(store_->CompleteUpload(keys_, "lake", "dropped", *other, {"e"}));
  EXPECT_EQ(store_->Head(keys_, "lake", "dropped").error().kind, ErrorKind::kExternalNotFound);
  EXPECT_TRUE(store_->Delete(keys_, "lake", "parts"));
  EXPECT_EQ(store_->Head(keys_, "lake", "parts").error().kind, ErrorKind::kExternalNotFound);
}

TEST_F(RealServer, ListsPageByPage) {
  std::filesystem::create_directories(directory_ + "/lake/many");
  // Through the file system: a thousand and more PUTs take long. The server makes objects of plain
  // files.
  for (int i = 0; i < 1203; i++) {
    const UniqueFd f(
        ::open(fmt::format("{}/lake/many/{:05}", directory_, i).c_str(), O_CREAT | O_WRONLY, 0644));
    ASSERT_EQ(::write(f.get(), "x", 1), 1);
  }
  const auto all = ListAll(*store_, keys_, "lake", "many/", 5000);
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_EQ(all->size(), 1203u);
  EXPECT_EQ(all->back().key, "many/01202");
  const auto few = ListAll(*store_, keys_, "lake", "many/", 1100);
  ASSERT_FALSE(few);
  EXPECT_EQ(few.error().kind, ErrorKind::kPayloadTooLarge);
}

TEST_F(RealServer, TellsDeniedMissingAndChangedApart) {
  const auto etag = store_->Put(keys_, "lake", "k", "first version");
  ASSERT_TRUE(etag);
  std::string into(5, '\0');
  ASSERT_TRUE(store_->GetRange(keys_, "lake", "k", *etag, 0, std::span<char>(into)));

  const auto missing = store_->GetRange(keys_, "lake", "nothing", "", 0, std::span<char>(into));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::kExternalNotFound);
  const auto bucket = store_->Head(keys_, "nobucket", "k");
  ASSERT_FALSE(bucket);
  EXPECT_EQ(bucket.error().kind, ErrorKind::kExternalNotFound);

  ASSERT_TRUE(store_->Put(keys_, "lake", "k", "second version, longer"));
  const auto changed = store_->GetRange(keys_, "lake", "k", *etag, 0, std::span<char>(into));
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().kind, ErrorKind::kExternalChanged);

  auto wrong = keys_;
  wrong.secret_access_key = Secret("wrong");
  const auto denied = store_->GetRange(wrong, "lake", "k", "", 0, std::span<char>(into));
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().kind, ErrorKind::kExternalDenied);
  EXPECT_EQ(denied.error().message.find("wrong"), std::string::npos);
  const auto denied_list = store_->List(wrong, "lake", "", "", "");
  ASSERT_FALSE(denied_list);
  EXPECT_EQ(denied_list.error().kind, ErrorKind::kExternalDenied);
}

}  // namespace
}  // namespace skep::lake
