#include "lake/remote_database.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <libpq-fe.h>
#include <linux/tcp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <functional>
#include <utility>

#include "base/log.h"
#include "base/text.h"

namespace skep::lake {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kPipeBytes = 1 << 20;
constexpr size_t kGatheredBytes = 64 << 10;  // of rows, before they are written into the pipe
constexpr auto kStopPoll = std::chrono::milliseconds(100);
constexpr size_t kMaxMessage = 500;
constexpr size_t kMaxTables = 10'000, kMaxColumns = 200'000;  // of one description

// Everything that libpq would otherwise take from the environment or the home directory.
constexpr const char* kNowhere = "/nonexistent";

const std::string kBegin = "begin transaction isolation level repeatable read read only";

Error Unavailable(std::string message) {
  return {ErrorKind::kExternalUnavailable, std::move(message), {}, {}, 0};
}

int Milliseconds(Clock::duration left) {
  return static_cast<int>(std::max<int64_t>(
      0, std::chrono::duration_cast<std::chrono::milliseconds>(left).count() + 1));
}

// What a server says, as it may be shown: one line of bounded length without the password.
std::string Shown(std::string_view said, const Secret& password) {
  std::string text(said.substr(0, said.find('\n')));
  for (const std::string_view prefix : {"ERROR:", "FATAL:"}) {
    if (text.starts_with(prefix)) text.erase(0, prefix.size());
  }
  text.erase(0, text.find_first_not_of(' ') == std::string::npos ? text.size()
                                                                 : text.find_first_not_of(' '));
  const std::string& secret = password.Reveal();
  for (size_t at = 0; !secret.empty() && (at = text.find(secret, at)) != std::string::npos;)
    text.replace(at, secret.size(), "********");
  if (text.size() > kMaxMessage) text.resize(kMaxMessage);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = '?';
  }
  return text.empty() ? "no reason was given" : text;
}

// Source of the SQLSTATEs: PostgreSQL documentation, appendix A.
ErrorKind KindOf(std::string_view state) {
  if (state.starts_with("28")) return ErrorKind::kExternalDenied;
  if (state == "42501") return ErrorKind::kInsufficientPrivilege;
  if (state == "42P01" || state == "3F000") return ErrorKind::kUndefinedTable;
  if (state == "3D000") return ErrorKind::kUndefinedDatabase;
  if (state.empty() || state.starts_with("08") || state.starts_with("57") ||
      state.starts_with("53"))
    return ErrorKind::kExternalUnavailable;
  return ErrorKind::kDataException;
}

struct FreeResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, FreeResult>;

bool InNetwork(uint32_t address, uint32_t network, int bits) {
  return (address >> (32 - bits)) == (network >> (32 - bits));
}

constexpr uint32_t V4(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}

bool MayConnectToV4(uint32_t address, bool listed) {
  if (InNetwork(address, V4(169, 254, 0, 0), 16) || InNetwork(address, V4(0, 0, 0, 0), 8) ||
      InNetwork(address, V4(224, 0, 0, 0), 3) || address == V4(100, 100, 100, 200))
    return false;
  return listed || !InNetwork(address, V4(127, 0, 0, 0), 8);
}

}  // namespace

bool MayConnectTo(std::string_view address, bool listed) {
  const std::string text(address.substr(0, address.find('%')));
  in_addr v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) return MayConnectToV4(ntohl(v4.s_addr), listed);
  in6_addr v6{};
  if (::inet_pton(AF_INET6, text.c_str(), &v6) != 1) return false;
  std::array<uint8_t, 16> b{};
  std::memcpy(b.data(), v6.s6_addr, b.size());
  const bool zeros = std::all_of(b.begin(), b.begin() + 10, [](uint8_t x) { return x == 0; });
  const uint32_t last = V4(b[12], b[13], b[14], b[15]);
  if (zeros && b[10] == 0xff && b[11] == 0xff)
    return MayConnectToV4(last, listed);                              // ::ffff:a.b.c.d
  if (zeros && b[10] == 0 && b[11] == 0) return last == 1 && listed;  // ::1, ::, ::a.b.c.d
  if (b[0] == 0xff) return false;                                     // multicast
  if (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) return false;            // link-local
  // 64:ff9b::/96 and 2002::/16 hold addresses of version 4.
  if (b[0] == 0x00 && b[1] == 0x64 && b[2] == 0xff && b[3] == 0x9b)
    return MayConnectToV4(last, false);
  if (b[0] == 0x20 && b[1] == 0x02) return MayConnectToV4(V4(b[2], b[3], b[4], b[5]), false);
  constexpr std::array<uint8_t, 16> kMetadata = {0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0,    0,
                                                 0,    0,    0,    0,    0, 0, 0x02, 0x54};
  return b != kMetadata;
}

std::string RemotePlace::Text() const { return fmt::format("{}:{}/{}", host, port, database); }

// ---------------------------------------------------------------- one connection

class RemoteConnection {
 public:
  RemoteConnection(RemoteDatabases& databases, RemoteSeat seat, const RemotePlace& place,
                   Secret password)
      : databases_(databases),
        seat_(std::move(seat)),
        place_(place),
        password_(std::move(password)) {}
  ~RemoteConnection() { PQfinish(connection_); }
  RemoteConnection(const RemoteConnection&) = delete;
  RemoteConnection& operator=(const RemoteConnection&) = delete;

  Result<void> Connect(const RemoteHost& host, const std::string& address,
                       const std::string& username) {
    const std::string port = std::to_string(place_.port);
    const std::pair<const char*, const char*> kOptions[] = {
        {"host", host.name.c_str()},
        {"hostaddr", address.c_str()},
        {"port", port.c_str()},
        {"dbname", place_.database.c_str()},
        {"user", username.c_str()},
        {"password", password_.Reveal().c_str()},
        {"passfile", kNowhere},
        {"sslmode", host.sslmode.c_str()},
        {"sslrootcert", host.ca_file.empty() ? kNowhere : host.ca_file.c_str()},
        {"sslcert", kNowhere},
        {"sslkey", kNowhere},
        {"sslcrl", kNowhere},
        {"gssencmode", "disable"},
        {"channel_binding", "prefer"},
        {"client_encoding", "UTF8"},
        {"application_name", "skep"},
        {"options", ""},
        {"target_session_attrs", "any"},
        {"replication", "false"},
        {"keepalives", "1"},
        {"keepalives_idle", "30"},
        {"keepalives_interval", "10"},
        {"keepalives_count", "3"},
        {"tcp_user_timeout", "60000"},
    };
    std::vector<const char*> names, values;
    for (const auto& [name, value] : kOptions) {
      names.push_back(name);
      values.push_back(value);
    }
    names.push_back(nullptr);
    values.push_back(nullptr);
    connection_ = PQconnectStartParams(names.data(), values.data(), 0);
    if (connection_ == nullptr) return Fail(ErrorKind::kOutOfMemory, "no memory for a connection");
    PQsetNoticeProcessor(connection_, [](void*, const char*) {}, nullptr);
    const auto deadline = Clock::now() + databases_.options_.connect_timeout;
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    while (PQstatus(connection_) != CONNECTION_BAD && state != PGRES_POLLING_OK) {
      SKEP_TRY(WaitFor(state == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline));
      state = PQconnectPoll(connection_);
      if (state == PGRES_POLLING_FAILED) break;
    }
    if (PQstatus(connection_) != CONNECTION_OK) return Fail(ConnectionError());
    if (PQsetnonblocking(connection_, 1) != 0) return Fail(Unavailable("cannot connect"));
    return {};
  }

  // Runs a query that answers few rows, as texts.
  using Rows = std::vector<std::vector<std::string>>;
  Result<Rows> Query(const std::string& text, const std::vector<std::string>& parameters = {}) {
    std::vector<const char*> values;
    for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
    // Without parameters it may be several statements.
    const int sent = values.empty() ? PQsendQuery(connection_, text.c_str())
                                    : PQsendQueryParams(connection_, text.c_str(),
                                                        static_cast<int>(values.size()), nullptr,
                                                        values.data(), nullptr, nullptr, 0);
    if (sent != 1 || PQsetSingleRowMode(connection_) != 1) return Fail(Lost());
    const auto deadline = Clock::now() + databases_.options_.metadata_timeout;
    SKEP_TRY(Flush(deadline));
    Rows rows;
    const size_t before = Received();
    std::optional<Error> failed;
    while (true) {
      while (PQisBusy(connection_) != 0) {
        SKEP_TRY(WaitFor(POLLIN, deadline));
        if (Received() - before > databases_.options_.max_metadata_bytes)
          return Fail(ErrorKind::kPayloadTooLarge,
                      fmt::format("database {} answers too much", place_.Text()));
        if (PQconsumeInput(connection_) != 1) return Fail(Lost());
      }
      const ResultPtr result(PQgetResult(connection_));
      if (!result) break;
      const auto status = PQresultStatus(result.get());
      if (status == PGRES_SINGLE_TUPLE || status == PGRES_TUPLES_OK) {
        for (int row = 0; row < PQntuples(result.get()); row++) {
          auto& fields = rows.emplace_back();
          for (int column = 0; column < PQnfields(result.get()); column++)
            fields.emplace_back(PQgetvalue(result.get(), row, column),
                                static_cast<size_t>(PQgetlength(result.get(), row, column)));
        }
      } else if (status != PGRES_COMMAND_OK) {
        if (!failed) failed = ErrorOf(result.get());
        if (PQstatus(connection_) != CONNECTION_OK || status == PGRES_COPY_IN ||
            status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH)
          break;
      }
    }
    if (failed) return Fail(std::move(*failed));
    return rows;
  }

  // Copies until the end, until `stop` is readable, or until nobody reads the pipe.
  Result<void> Copy(const std::string& query, int pipe, int stop,
                    const std::function<void(size_t rows, size_t bytes)>& count) {
    if (PQsendQuery(connection_, query.c_str()) != 1) return Fail(Lost());
    const auto deadline = Clock::now() + databases_.options_.metadata_timeout;
    SKEP_TRY(Flush(deadline));
    SKEP_TRY(AwaitInput(stop));
    {
      const ResultPtr result(PQgetResult(connection_));
      if (!result) return Fail(Lost());
      if (PQresultStatus(result.get()) != PGRES_COPY_OUT) {
        Error error = ErrorOf(result.get());
        Drain();
        return Fail(std::move(error));
      }
      if (PQbinaryTuples(result.get()) != 1)
        return Fail(ErrorKind::kDataException,
                    fmt::format("database {} does not answer as PostgreSQL does", place_.Text()));
    }
    size_t complete = Received();  // bytes until the last row that came whole
    std::string gathered;
    const auto send = [&]() -> Result<void> {
      SKEP_TRY(WritePipe(pipe, stop, gathered));
      count(0, gathered.size());
      gathered.clear();
      return {};
    };
    while (true) {
      char* data = nullptr;
      const int length = PQgetCopyData(connection_, &data, 1);
      if (length > 0) {
        const std::unique_ptr<char, void (*)(void*)> owned(data, PQfreemem);
        complete = 0;
        gathered.append(data, static_cast<size_t>(length));
        if (gathered.size() >= kGatheredBytes) SKEP_TRY(send());
        continue;
      }
      SKEP_TRY(send());
      if (length == -1) break;
      if (length == -2) return Fail(Lost());
      SKEP_TRY(WaitForInput(pipe, stop));
      if (complete == 0) complete = Received();
      if (PQconsumeInput(connection_) != 1) return Fail(Lost());
      // After it: what it read was perhaps the last that comes.
      if (Received() - complete > databases_.options_.max_row_bytes)
        return Fail(ErrorKind::kPayloadTooLarge,
                    fmt::format("a row of database {} is larger than {} bytes", place_.Text(),
                                databases_.options_.max_row_bytes));
    }
    SKEP_TRY(AwaitInput(stop));
    const ResultPtr result(PQgetResult(connection_));
    if (!result) return Fail(Lost());
    if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) {
      Error error = ErrorOf(result.get());
      Drain();
      return Fail(std::move(error));
    }
    const std::string_view tuples = PQcmdTuples(const_cast<PGresult*>(result.get()));
    size_t rows = 0;
    (void)std::from_chars(tuples.data(), tuples.data() + tuples.size(), rows);
    count(rows, 0);
    SKEP_TRY(AwaitInput(stop));
    if (ResultPtr(PQgetResult(connection_)))
      return Fail(ErrorKind::kDataException,
                  fmt::format("database {} does not answer as PostgreSQL does", place_.Text()));
    usable_ = true;
    return {};
  }

  // Tells the server to stop what it does for us. Blocks, but not for long.
  void Cancel() {
    if (PQtransactionStatus(connection_) != PQTRANS_ACTIVE) return;
    PGcancel* cancel = PQgetCancel(connection_);
    if (cancel == nullptr) return;
    std::array<char, 256> ignored{};
    (void)PQcancel(cancel, ignored.data(), ignored.size());
    PQfreeCancel(cancel);
  }

  // Whether the last copy ended well, so that the connection can be used for another.
  bool TakeUsable() { return std::exchange(usable_, false); }

 private:
  Error ErrorOf(const PGresult* result) const {
    const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char* message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (state == nullptr || message == nullptr) return Lost();
    return {KindOf(state),
            fmt::format("database {}: {}", place_.Text(), Shown(message, password_)),
            {},
            {},
            0};
  }
  Error ConnectionError() const {
    const std::string_view said = PQerrorMessage(connection_);
    const bool denied = said.find("authentication") != std::string_view::npos ||
                        said.find("pg_hba.conf") != std::string_view::npos ||
                        said.find("password") != std::string_view::npos;
    const size_t at = said.find("FATAL:");
    return {denied ? ErrorKind::kExternalDenied : ErrorKind::kExternalUnavailable,
            fmt::format("cannot connect to database {}: {}", place_.Text(),
                        Shown(at == std::string_view::npos ? said : said.substr(at), password_)),
            {},
            {},
            0};
  }
  Error Lost() const {
    return Unavailable(fmt::format("the connection to database {} was lost: {}", place_.Text(),
                                   Shown(PQerrorMessage(connection_), password_)));
  }
  static Error Stopped() { return {ErrorKind::kQueryCanceled, "the read was stopped", {}, {}, 0}; }

  // Bytes that came over the connection so far. libpq reads more than it was told of.
  size_t Received() const {
    tcp_info info{};
    socklen_t size = sizeof info;
    return ::getsockopt(PQsocket(connection_), IPPROTO_TCP, TCP_INFO, &info, &size) == 0
               ? info.tcpi_bytes_received
               : 0;
  }

  Result<void> WaitFor(short events, Clock::time_point deadline) const {
    while (true) {
      if (databases_.stopping_) return Fail(ErrorKind::kAdminShutdown, "the gateway goes down");
      const auto left = deadline - Clock::now();
      if (left <= Clock::duration::zero())
        return Fail(Unavailable(fmt::format("database {} does not answer", place_.Text())));
      pollfd socket{PQsocket(connection_), events, 0};
      const int ready =
          ::poll(&socket, 1, Milliseconds(std::min<Clock::duration>(left, kStopPoll)));
      if (ready > 0) return {};
      if (ready < 0 && errno != EINTR)
        return Fail(Unavailable(fmt::format("cannot wait for database {}", place_.Text())));
    }
  }

  Result<void> Flush(Clock::time_point deadline) {
    while (true) {
      const int flushed = PQflush(connection_);
      if (flushed == 0) return {};
      if (flushed < 0) return Fail(Lost());
      SKEP_TRY(WaitFor(POLLIN | POLLOUT, deadline));
      if (PQconsumeInput(connection_) != 1) return Fail(Lost());
    }
  }

  // The server's next word, for which it may take its time.
  Result<void> AwaitInput(int stop) {
    const size_t before = Received();
    while (PQisBusy(connection_) != 0) {
      pollfd fds[2] = {{PQsocket(connection_), POLLIN, 0}, {stop, POLLIN, 0}};
      if (::poll(fds, 2, -1) < 0 && errno != EINTR) return Fail(Lost());
      if (fds[1].revents != 0) return Fail(Stopped());
      if (fds[0].revents == 0) continue;
      if (Received() - before > databases_.options_.max_row_bytes)
        return Fail(ErrorKind::kPayloadTooLarge,
                    fmt::format("database {} answers too much", place_.Text()));
      if (PQconsumeInput(connection_) != 1) return Fail(Lost());
    }
    return {};
  }

  // Rows; or that nobody wants them any more.
  Result<void> WaitForInput(int pipe, int stop) {
    while (true) {
      // An end of a pipe that nobody reads reports an error without being asked.
      pollfd fds[3] = {{PQsocket(connection_), POLLIN, 0}, {stop, POLLIN, 0}, {pipe, 0, 0}};
      if (::poll(fds, 3, -1) < 0 && errno != EINTR) return Fail(Lost());
      if (fds[1].revents != 0 || (fds[2].revents & POLLERR) != 0) return Fail(Stopped());
      if (fds[0].revents != 0) return {};
    }
  }

  static Result<void> WritePipe(int pipe, int stop, std::string_view data) {
    while (!data.empty()) {
      const ssize_t n = ::write(pipe, data.data(), data.size());
      if (n > 0) {
        data.remove_prefix(static_cast<size_t>(n));
        continue;
      }
      if (n < 0 && errno != EAGAIN && errno != EINTR) return Fail(Stopped());
      pollfd fds[2] = {{pipe, POLLOUT, 0}, {stop, POLLIN, 0}};
      if (::poll(fds, 2, -1) < 0 && errno != EINTR) return Fail(Stopped());
      if (fds[1].revents != 0) return Fail(Stopped());
    }
    return {};
  }

  // What follows an error and says nothing.
  void Drain() {
    const auto deadline = Clock::now() + std::chrono::seconds(1);
    for (int i = 0; i < 16; i++) {
      while (PQisBusy(connection_) != 0) {
        if (!WaitFor(POLLIN, deadline) || PQconsumeInput(connection_) != 1) return;
      }
      if (!ResultPtr(PQgetResult(connection_))) return;
    }
  }

  RemoteDatabases& databases_;
  const RemoteSeat seat_;
  const RemotePlace place_;
  const Secret password_;
  PGconn* connection_ = nullptr;
  bool usable_ = false;
};

// ---------------------------------------------------------------- copies

RemoteCopy::RemoteCopy() : stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void RemoteCopy::Stop() {
  const uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(stop_.get(), &one, sizeof one);
}

std::optional<Result<void>> RemoteCopy::outcome() const {
  const std::lock_guard lock(mutex_);
  return outcome_;
}

void RemoteCopy::End(Result<void> outcome) {
  const std::lock_guard lock(mutex_);
  outcome_ = std::move(outcome);
}

// ---------------------------------------------------------------- sessions

RemoteSession::RemoteSession(RemoteDatabases& databases, RemotePlace place, std::string workspace)
    : databases_(databases), place_(std::move(place)), workspace_(std::move(workspace)) {}

RemoteSession::~RemoteSession() = default;

Result<std::unique_ptr<RemoteConnection>> RemoteSession::Take(const GivenUp& given_up) {
  std::string snapshot;
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto connection = std::move(idle_.back());
      idle_.pop_back();
      return connection;
    }
    snapshot = snapshot_;
  }
  return databases_.Connect(place_, workspace_, true, snapshot, given_up);
}

void RemoteSession::GiveBack(std::unique_ptr<RemoteConnection> connection) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(connection));
}

// Source: PostgreSQL documentation, "System Catalogs".
Result<std::vector<RemoteTable>> RemoteSession::Describe(const std::string& schema,
                                                         const std::optional<std::string>& table,
                                                         const GivenUp& given_up) {
  static const std::string kQuery =
      "select c.relname, c.relkind, greatest(c.reltuples, 0)::bigint, a.attname, "
      "case when t.typtype = 'd' then t.typbasetype else a.atttypid end::bigint, "
      "case when t.typtype = 'd' then t.typtypmod else a.atttypmod end, "
      "pg_catalog.format_type(a.atttypid, a.atttypmod) "
      "from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
      "join pg_catalog.pg_attribute a on a.attrelid = c.oid "
      "join pg_catalog.pg_type t on t.oid = a.atttypid "
      "where n.nspname = $1 and c.relkind in ('r', 'p', 'v', 'm', 'f') and a.attnum > 0 "
      "and not a.attisdropped and ($2 = '' or c.relname = $3) "
      "order by c.relname, c.oid, a.attnum";
  SKEP_TRY_ASSIGN(auto connection, Take(given_up));
  SKEP_TRY_ASSIGN(const auto rows,
                  connection->Query(kQuery, {schema, table ? "one" : "", table.value_or("")}));
  GiveBack(std::move(connection));
  std::vector<RemoteTable> tables;
  for (const auto& row : rows) {
    if (row.size() != 7 || tables.size() > kMaxTables || rows.size() > kMaxColumns)
      return Fail(ErrorKind::kDataException,
                  fmt::format("database {} does not describe its tables", place_.Text()));
    const auto number = [](const std::string& text, auto& into) {
      const auto read = std::from_chars(text.data(), text.data() + text.size(), into);
      return read.ec == std::errc() && read.ptr == text.data() + text.size();
    };
    if (tables.empty() || tables.back().name != row[0]) {
      RemoteTable& made = tables.emplace_back();
      made.schema = schema;
      made.name = row[0];
      made.kind = row[1] == "v" ? "VIEW" : row[1] == "m" ? "MATERIALIZED VIEW" : "TABLE";
      number(row[2], made.rows);
    }
    uint32_t type = 0;
    int32_t modifier = -1;
    if (!number(row[4], type) || !number(row[5], modifier))
      return Fail(ErrorKind::kDataException,
                  fmt::format("database {} does not describe its tables", place_.Text()));
    tables.back().columns.push_back(DescribeRemoteColumn(row[3], type, modifier, row[6]));
  }
  return tables;
}

Result<std::shared_ptr<RemoteCopy>> RemoteSession::Read(const std::string& query, UniqueFd& pipe,
                                                        const GivenUp& given_up) {
  SKEP_TRY_ASSIGN(auto taken, Take(given_up));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return Fail(ErrorKind::kTooManyConnections, "no pipe can be opened");
  pipe = UniqueFd(ends[0]);
  auto writer = std::make_shared<UniqueFd>(ends[1]);
  (void)::fcntl(ends[1], F_SETPIPE_SZ, kPipeBytes);
  (void)::fcntl(ends[1], F_SETFL, O_NONBLOCK);
  auto copy = std::make_shared<RemoteCopy>();
  if (!copy->stop_) return Fail(ErrorKind::kTooManyConnections, "no event can be opened");
  auto connection = std::make_shared<std::unique_ptr<RemoteConnection>>(std::move(taken));
  databases_.Run([weak = weak_from_this(), copy, connection, writer, query](bool stopping) {
    Result<void> outcome = Fail(ErrorKind::kAdminShutdown, "the gateway goes down");
    if (!stopping) {
      outcome =
          (*connection)
              ->Copy(query, writer->get(), copy->stop_.get(), [&copy](size_t rows, size_t bytes) {
                copy->rows_ += rows;
                copy->bytes_ += bytes;
              });
      if ((*connection)->TakeUsable()) {
        if (const auto session = weak.lock()) session->GiveBack(std::move(*connection));
      }
    }
    // Whoever reads the end of the pipe finds the outcome there.
    copy->End(std::move(outcome));
    writer->Reset();
    if (*connection) (*connection)->Cancel();
    connection->reset();
  });
  return copy;
}

// ---------------------------------------------------------------- all of them

RemoteDatabases::RemoteDatabases(RemoteOptions options)
    : options_(std::move(options)), seats_(options_.seats) {}

template <class Work>
void RemoteDatabases::Run(Work work) {
  std::list<Runner> finished;
  const std::lock_guard lock(mutex_);
  for (auto runner = runners_.begin(); runner != runners_.end();) {
    const auto next = std::next(runner);
    if (*runner->done) finished.splice(finished.end(), runners_, runner);
    runner = next;
  }
  for (Runner& runner : finished) runner.thread.join();
  auto done = std::make_shared<std::atomic<bool>>(false);
  runners_.push_back({std::thread([this, work = std::move(work), done] {
                        work(stopping_.load());
                        *done = true;
                      }),
                      done});
}

void RemoteDatabases::Stop() {
  stopping_ = true;
  seats_.Stop();
}

RemoteDatabases::~RemoteDatabases() {
  Stop();
  std::list<Runner> runners;
  {
    const std::lock_guard lock(mutex_);
    runners.swap(runners_);
  }
  for (Runner& runner : runners) runner.thread.join();
}

Result<std::string> RemoteDatabases::AddressOf(const RemoteHost& host) const {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.name.c_str(), nullptr, &hints, &found) != 0 || found == nullptr)
    return Fail(Unavailable(fmt::format("the name \"{}\" cannot be resolved", host.name)));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, ::freeaddrinfo);
  const bool local = Lower(host.name) == "localhost";
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(one->ai_addr, one->ai_addrlen, text.data(), text.size(), nullptr, 0,
                      NI_NUMERICHOST) != 0)
      continue;
    if (MayConnectTo(text.data(), local || host.name == text.data()))
      return std::string(text.data());
  }
  return Fail(
      ErrorKind::kInsufficientPrivilege,
      fmt::format("host \"{}\" leads to an address that may not be connected to", host.name));
}

Result<std::unique_ptr<RemoteConnection>> RemoteDatabases::Connect(const RemotePlace& place,
                                                                   const std::string& workspace,
                                                                   bool further,
                                                                   const std::string& snapshot,
                                                                   const GivenUp& given_up) {
  if (stopping_) return Fail(ErrorKind::kAdminShutdown, "the gateway goes down");
  const auto host = std::ranges::find_if(options_.hosts, [&](const RemoteHost& listed) {
    return Lower(listed.name) == Lower(place.host) && listed.port == place.port;
  });
  if (host == options_.hosts.end())
    return Fail(ErrorKind::kInsufficientPrivilege,
                fmt::format("host {}:{} may not be connected to", place.host, place.port), {},
                "An administrator can list it as [[federated_host]].");
  const auto secret = std::ranges::find(options_.secrets, place.secret_arn, &RemoteSecret::arn);
  if (secret == options_.secrets.end())
    return Fail(ErrorKind::kUndefinedObject,
                "Secrets Manager can't find the specified secret: " + place.secret_arn);
  if ((!secret->host.empty() && Lower(secret->host) != Lower(place.host)) ||
      (secret->port != 0 && secret->port != place.port))
    return Fail(
        ErrorKind::kInsufficientPrivilege,
        fmt::format("secret {} is not for host {}:{}", place.secret_arn, place.host, place.port));
  SKEP_TRY_ASSIGN(RemoteSeat seat, seats_.Take(workspace, further, given_up));
  SKEP_TRY_ASSIGN(const std::string address, AddressOf(*host));
  auto connection =
      std::make_unique<RemoteConnection>(*this, std::move(seat), place, secret->password);
  SKEP_TRY(connection->Connect(*host, address, secret->username));
  SKEP_TRY(connection->Query(
      "set standard_conforming_strings = on; set search_path = pg_catalog; "
      "set datestyle = 'ISO, MDY'; set timezone = 'UTC'; set intervalstyle = 'postgres'; "
      "set bytea_output = 'hex'; set extra_float_digits = 1"));
  SKEP_TRY(connection->Query(
      kBegin + (snapshot.empty() ? std::string()
                                 : "; set transaction snapshot " + QuoteRemoteText(snapshot))));
  return connection;
}

Result<std::shared_ptr<RemoteSession>> RemoteDatabases::Open(const RemotePlace& place,
                                                             const std::string& workspace,
                                                             const GivenUp& given_up) {
  SKEP_TRY_ASSIGN(auto connection, Connect(place, workspace, false, "", given_up));
  auto session = std::make_shared<RemoteSession>(*this, place, workspace);
  // Of a server that exports none each connection reads its own moment.
  const auto exported = connection->Query("select pg_catalog.pg_export_snapshot()");
  if (exported && exported->size() == 1 && exported->front().size() == 1) {
    const std::string& name = exported->front().front();
    const bool plain = name.size() <= 64 && std::ranges::all_of(name, [](char c) {
                         return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || c == '-';
                       });
    if (plain) session->snapshot_ = name;
  } else {
    SKEP_TRY(connection->Query("rollback; " + kBegin));
  }
  session->idle_.push_back(std::move(connection));
  return session;
}

}  // namespace skep::lake
