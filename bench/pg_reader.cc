// Reads one query's result as fast as it can and counts messages: libpq connects (authentication,
// TLS), then the socket is read raw. Prints one JSON line per run. Usage: pg_reader CONNINFO SQL
// text|binary [--runs N] [--hash] [--ms]
//   --hash  sums a 64-bit FNV-1a of every DataRow: equal sums mean equal rows whatever their order.
#include <libpq-fe.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

void Put32(std::string& out, uint32_t v) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(v >> shift));
}
void Put16(std::string& out, uint16_t v) {
  out.push_back(static_cast<char>(v >> 8));
  out.push_back(static_cast<char>(v));
}

std::string Message(char type, const std::string& body) {
  std::string out(1, type);
  Put32(out, static_cast<uint32_t>(body.size() + 4));
  return out + body;
}

std::string Request(const std::string& sql, bool binary) {
  if (!binary) return Message('Q', sql + '\0');
  std::string parse(1, '\0');
  parse += sql + '\0';
  Put16(parse, 0);
  std::string bind("\0\0", 2);
  Put16(bind, 0);
  Put16(bind, 0);
  Put16(bind, 1);
  Put16(bind, 1);
  std::string execute(1, '\0');
  Put32(execute, 0);
  return Message('P', parse) + Message('B', bind) + Message('E', execute) + Message('S', "");
}

class Wire {
 public:
  explicit Wire(PGconn* connection)
      : fd_(PQsocket(connection)), ssl_(static_cast<SSL*>(PQgetssl(connection))) {}

  void Wait(short events) const {
    pollfd p{fd_, events, 0};
    ::poll(&p, 1, -1);
  }
  void Send(const std::string& bytes) const {
    size_t at = 0;
    while (at < bytes.size()) {
      const auto n = ssl_ ? SSL_write(ssl_, bytes.data() + at, static_cast<int>(bytes.size() - at))
                          : ::send(fd_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
      if (n > 0) {
        at += static_cast<size_t>(n);
      } else {
        Wait(POLLOUT);
      }
    }
  }
  size_t Read(char* into, size_t room) const {
    while (true) {
      const auto n =
          ssl_ ? SSL_read(ssl_, into, static_cast<int>(room)) : ::recv(fd_, into, room, 0);
      if (n > 0) return static_cast<size_t>(n);
      if (n == 0) return 0;
      if (ssl_ && SSL_get_error(ssl_, static_cast<int>(n)) != SSL_ERROR_WANT_READ) return 0;
      if (!ssl_ && errno != EAGAIN && errno != EWOULDBLOCK) return 0;
      Wait(POLLIN);
    }
  }

 private:
  int fd_;
  SSL* ssl_;
};

uint64_t Hash(const char* data, size_t size) {
  uint64_t h = 1469598103934665603ull;
  for (size_t i = 0; i < size; i++)
    h = (h ^ static_cast<unsigned char>(data[i])) * 1099511628211ull;
  return h;
}

double Seconds(Clock::time_point from) {
  return std::chrono::duration<double>(Clock::now() - from).count();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: pg_reader CONNINFO SQL text|binary [--runs N] [--hash]\n");
    return 2;
  }
  const bool binary = std::string_view(argv[3]) == "binary";
  int runs = 1;
  bool hash = false;
  for (int i = 4; i < argc; i++) {
    if (std::string_view(argv[i]) == "--hash") hash = true;
    if (std::string_view(argv[i]) == "--runs" && i + 1 < argc) runs = std::atoi(argv[++i]);
  }
  PGconn* connection = PQconnectdb(argv[1]);
  if (PQstatus(connection) != CONNECTION_OK) {
    std::fprintf(stderr, "%s", PQerrorMessage(connection));
    return 1;
  }
  const Wire wire(connection);
  std::vector<char> buffer(1 << 20);
  for (int run = 0; run < runs; run++) {
    const auto start = Clock::now();
    double first = 0;
    wire.Send(Request(argv[2], binary));
    uint64_t rows = 0, bytes = 0, sum = 0;
    size_t have = 0, skip = 0;
    bool ready = false, failed = false;
    std::string error;
    while (!ready) {
      if (have == buffer.size()) buffer.resize(buffer.size() * 2);
      const size_t n = wire.Read(buffer.data() + have, buffer.size() - have);
      if (n == 0) {
        std::fprintf(stderr, "the server closed the connection\n");
        return 1;
      }
      bytes += n;
      have += n;
      size_t at = 0;
      if (skip > 0) {
        const size_t k = skip < have ? skip : have;
        at += k;
        skip -= k;
      }
      while (have - at >= 5) {
        uint32_t length;
        std::memcpy(&length, buffer.data() + at + 1, 4);
        length = __builtin_bswap32(length);
        const char type = buffer[at];
        const size_t size = length + 1u;
        if (type == 'D') {
          if (rows++ == 0) first = Seconds(start);
          if (!hash && have - at < size) {
            skip = size - (have - at);
            at = have;
            break;
          }
        }
        if (have - at < size) break;
        if (type == 'D' && hash) sum += Hash(buffer.data() + at, size);
        if (type == 'E') {
          failed = true;
          error.assign(buffer.data() + at + 5, size - 5);
          for (char& c : error) c = c ? c : ' ';
        }
        if (type == 'Z') ready = true;
        at += size;
      }
      std::memmove(buffer.data(), buffer.data() + at, have - at);
      have -= at;
    }
    if (failed) {
      std::fprintf(stderr, "%s\n", error.c_str());
      return 1;
    }
    const double total = Seconds(start);
    std::printf(
        "{\"rows\": %llu, \"bytes\": %llu, \"seconds\": %.6f, \"first_row_seconds\": %.6f, "
        "\"hash\": \"%016llx\"}\n",
        static_cast<unsigned long long>(rows), static_cast<unsigned long long>(bytes), total, first,
        static_cast<unsigned long long>(sum));
    std::fflush(stdout);
  }
  PQfinish(connection);
  return 0;
}
