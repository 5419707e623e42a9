#include "worker/functions/hash.h"

#include <openssl/evp.h>

#include <cmath>
#include <cstring>
#include <duckdb/common/types/date.hpp>
#include <duckdb/common/types/time.hpp>
#include <duckdb/common/types/timestamp.hpp>
#include <duckdb/common/vector_operations/binary_executor.hpp>
#include <duckdb/common/vector_operations/unary_executor.hpp>
#include <duckdb/planner/expression/bound_function_expression.hpp>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

#include "worker/functions/checksums.h"
#include "worker/functions/text_arguments.h"
#include "worker/functions/wide_integers.h"
#include "worker/pg_format.h"

namespace skep::worker {
namespace {

using duckdb::DataChunk;
using duckdb::ExpressionState;
using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::string_t;
using duckdb::StringVector;
using duckdb::Vector;
using std::string_view;

template <class T>
string_view BytesOf(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

// Redshift counts its days and microseconds from 2000-01-01.
int64_t FromEpochOf2000(int64_t micros) { return micros - kPostgresEpochDays * kMicrosPerDay; }

// The bytes of a type's values are those that Redshift stores: little-endian, a DECIMAL of up to 18
// digits in 8 bytes and a larger one in 16.
struct Fnv {
  using Hash = int64_t;
  using Seed = int64_t;
  static constexpr Seed kDefaultSeed = static_cast<Seed>(kFnvSeed);

  static Hash Bytes(string_view bytes, Seed seed) {
    return static_cast<Hash>(Fnv1a(bytes, static_cast<uint64_t>(seed)));
  }
  static Hash Of(bool v, Seed seed) { return Bytes(BytesOf(v), seed); }
  static Hash Of(int16_t v, Seed seed) { return Bytes(BytesOf(v), seed); }
  static Hash Of(int32_t v, Seed seed) { return Bytes(BytesOf(v), seed); }
  static Hash Of(int64_t v, Seed seed) { return Bytes(BytesOf(v), seed); }
  static Hash Of(float v, Seed seed) { return Bytes(BytesOf(v), seed); }
  static Hash Of(double v, Seed seed) { return Bytes(BytesOf(v), seed); }
  static Hash Of(Int128 v, Seed seed) { return Bytes(BytesOf(v), seed); }
  static Hash OfDecimal(Int128 unscaled, int width, Seed seed) {
    return width <= 18 ? Of(static_cast<int64_t>(unscaled), seed) : Of(unscaled, seed);
  }
  static Hash Of(duckdb::date_t v, Seed seed) {
    return Of(static_cast<int32_t>(v.days - kPostgresEpochDays), seed);
  }
  static Hash Of(duckdb::dtime_t v, Seed seed) { return Of(v.micros, seed); }
  static Hash Of(duckdb::timestamp_t v, Seed seed) {
    return Of(duckdb::Timestamp::IsFinite(v) ? FromEpochOf2000(v.value) : v.value, seed);
  }
  static Hash Of(duckdb::dtime_tz_t v, Seed seed) {
    return Of(-v.offset(), Of(v.time().micros, seed));
  }
  static Hash Of(duckdb::interval_t v, Seed seed) {
    return Of(v.months, Of(v.days, Of(v.micros, seed)));
  }
};

// Integers, dates and times as 8 bytes, floats as doubles, decimals as few bytes as hold them.
struct Murmur {
  using Hash = int32_t;
  using Seed = int32_t;
  static constexpr Seed kDefaultSeed = 0;

  static Hash Bytes(string_view bytes, Seed seed) {
    return static_cast<Hash>(Murmur3(bytes, static_cast<uint32_t>(seed)));
  }
  static Hash Of(int64_t v, Seed seed) { return Bytes(BytesOf(v), seed); }
  static Hash Of(bool v, Seed seed) { return Bytes(BytesOf(int32_t{v}), seed); }
  static Hash Of(int16_t v, Seed seed) { return Of(int64_t{v}, seed); }
  static Hash Of(int32_t v, Seed seed) { return Of(int64_t{v}, seed); }
  static Hash Of(double v, Seed seed) {
    if (v == 0) v = 0;  // -0 as 0
    if (std::isnan(v)) v = std::numeric_limits<double>::quiet_NaN();
    int64_t bits;
    std::memcpy(&bits, &v, sizeof bits);
    return Of(bits, seed);
  }
  static Hash Of(float v, Seed seed) { return Of(static_cast<double>(v), seed); }
  static Hash Of(Int128 v, Seed seed) { return OfDecimal(v, 38, seed); }
  static Hash OfDecimal(Int128 unscaled, int, Seed seed) {
    char bytes[16];
    size_t n = 0;
    // As long as what is left says more than the sign that the byte before carries.
    do {
      bytes[15 - n++] = static_cast<char>(unscaled & 0xff);
      unscaled >>= 8;
    } while (n < 16 && unscaled != (static_cast<signed char>(bytes[16 - n]) < 0 ? -1 : 0));
    return Bytes({bytes + 16 - n, n}, seed);
  }
  static Hash Of(duckdb::date_t v, Seed seed) { return Of(int64_t{v.days}, seed); }
  static Hash Of(duckdb::dtime_t v, Seed seed) { return Of(v.micros, seed); }
  static Hash Of(duckdb::timestamp_t v, Seed seed) { return Of(v.value, seed); }
  static Hash Of(duckdb::dtime_tz_t v, Seed seed) {
    return Of(v.time().micros - int64_t{v.offset()} * 1'000'000, seed);
  }
  static Hash Of(duckdb::interval_t v, Seed seed) {
    return Of(int64_t{v.months}, Of(int64_t{v.days}, Of(v.micros, seed)));
  }
};

// The number itself where it fits, else its halves folded into each other.
struct Checksum {
  using Hash = int32_t;
  using Seed = int32_t;
  static constexpr Seed kDefaultSeed = 0;

  static Hash Bytes(string_view bytes, Seed) { return static_cast<Hash>(Crc32c(bytes)); }
  static Hash Of(int64_t v, Seed) {
    const auto high = static_cast<uint32_t>(static_cast<uint64_t>(v) >> 32);
    return static_cast<Hash>(static_cast<uint32_t>(v) ^ (v < 0 ? ~high : high));
  }
  static Hash Of(int16_t v, Seed) { return v; }
  static Hash Of(int32_t v, Seed) { return v; }
  static Hash Of(Int128 v, Seed seed) {
    const auto high = static_cast<int64_t>(v >> 64);
    return Of(static_cast<int64_t>(v) ^ (v < 0 ? ~high : high), seed);
  }
  static Hash OfDecimal(Int128 unscaled, int, Seed seed) { return Of(unscaled, seed); }
};

template <class Algorithm, class T, class ToHash>
void Run(DataChunk& arguments, Vector& result, ToHash to_hash) {
  using Hash = typename Algorithm::Hash;
  using Seed = typename Algorithm::Seed;
  if (arguments.ColumnCount() == 1) {
    duckdb::UnaryExecutor::Execute<T, Hash>(
        arguments.data[0], result, arguments.size(),
        [&](const T& v) { return to_hash(v, Algorithm::kDefaultSeed); });
  } else {
    duckdb::BinaryExecutor::Execute<T, Seed, Hash>(arguments.data[0], arguments.data[1], result,
                                                   arguments.size(), to_hash);
  }
}

template <class Algorithm, class T>
void HashValue(DataChunk& arguments, ExpressionState&, Vector& result) {
  using Seed = typename Algorithm::Seed;
  Run<Algorithm, T>(arguments, result, [](const T& v, Seed seed) {
    if constexpr (std::is_same_v<T, string_t>) {
      return Algorithm::Bytes(View(v), seed);
    } else if constexpr (std::is_same_v<T, duckdb::hugeint_t>) {
      return Algorithm::Of(ToInt128(v), seed);
    } else {
      return Algorithm::Of(v, seed);
    }
  });
}

template <class Algorithm, class T>
void HashDecimal(DataChunk& arguments, ExpressionState&, Vector& result) {
  using Seed = typename Algorithm::Seed;
  const int width = duckdb::DecimalType::GetWidth(arguments.data[0].GetType());
  Run<Algorithm, T>(arguments, result, [&](const T& v, Seed seed) {
    return Algorithm::OfDecimal(Widen(v), width, seed);
  });
}

template <class Algorithm>
duckdb::scalar_function_t ForType(const LogicalType& type) {
  switch (type.id()) {
    case LogicalTypeId::SMALLINT:
      return HashValue<Algorithm, int16_t>;
    case LogicalTypeId::INTEGER:
      return HashValue<Algorithm, int32_t>;
    case LogicalTypeId::BIGINT:
      return HashValue<Algorithm, int64_t>;
    case LogicalTypeId::HUGEINT:
      return HashValue<Algorithm, duckdb::hugeint_t>;
    case LogicalTypeId::DECIMAL:
      return ByPhysicalType(type, []<class Physical>() {
        return duckdb::scalar_function_t(HashDecimal<Algorithm, Physical>);
      });
    case LogicalTypeId::VARCHAR:
      return HashValue<Algorithm, string_t>;
    default:
      break;
  }
  if constexpr (!std::is_same_v<Algorithm, Checksum>) {
    switch (type.id()) {
      case LogicalTypeId::BOOLEAN:
        return HashValue<Algorithm, bool>;
      case LogicalTypeId::FLOAT:
        return HashValue<Algorithm, float>;
      case LogicalTypeId::DOUBLE:
        return HashValue<Algorithm, double>;
      case LogicalTypeId::DATE:
        return HashValue<Algorithm, duckdb::date_t>;
      case LogicalTypeId::TIME:
        return HashValue<Algorithm, duckdb::dtime_t>;
      case LogicalTypeId::TIME_TZ:
        return HashValue<Algorithm, duckdb::dtime_tz_t>;
      case LogicalTypeId::TIMESTAMP:
      case LogicalTypeId::TIMESTAMP_TZ:
        return HashValue<Algorithm, duckdb::timestamp_t>;
      case LogicalTypeId::INTERVAL:
        return HashValue<Algorithm, duckdb::interval_t>;
      case LogicalTypeId::BLOB:
        return HashValue<Algorithm, string_t>;
      default:
        break;
    }
  }
  return nullptr;
}

template <class Algorithm>
duckdb::unique_ptr<duckdb::FunctionData> BindValue(duckdb::ClientContext&,
                                                   duckdb::ScalarFunction& function,
                                                   Arguments& arguments) {
  const LogicalType type = arguments[0]->return_type;
  if (type.id() == LogicalTypeId::UNKNOWN) {
    // A parameter without a type is text.
    function.arguments[0] = LogicalType::VARCHAR;
    function.SetFunctionCallback(HashValue<Algorithm, string_t>);
    return nullptr;
  }
  auto run = ForType<Algorithm>(type);
  if (!run)
    throw duckdb::BinderException(
        "No function matches the given name and argument types '%s(%s)'. You might need to add "
        "explicit type casts.",
        function.name, type.ToString());
  function.arguments[0] = type;
  function.SetFunctionCallback(std::move(run));
  return nullptr;
}

template <class Algorithm>
duckdb::ScalarFunction OfValue(duckdb::vector<LogicalType> arguments, LogicalType returns) {
  return {std::move(arguments), std::move(returns), HashValue<Algorithm, string_t>,
          BindValue<Algorithm>};
}

// ---- Of text and VARBYTE ----

void Farm(DataChunk& arguments, ExpressionState&, Vector& result) {
  duckdb::UnaryExecutor::Execute<string_t, int64_t>(
      arguments.data[0], result, arguments.size(),
      [](string_t v) { return static_cast<int64_t>(FarmFingerprint64(View(v))); });
}

void PutHex(char* to, const unsigned char* bytes, size_t size) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (size_t i = 0; i < size; i++) {
    *to++ = kHex[bytes[i] >> 4];
    *to++ = kHex[bytes[i] & 15];
  }
}

string_t Hex(Vector& result, const unsigned char* bytes, size_t size) {
  string_t out = StringVector::EmptyString(result, size * 2);
  PutHex(out.GetDataWriteable(), bytes, size);
  out.Finalize();
  return out;
}

void Crc32(DataChunk& arguments, ExpressionState&, Vector& result) {
  duckdb::UnaryExecutor::Execute<string_t, string_t>(
      arguments.data[0], result, arguments.size(), [&](string_t v) {
        const uint32_t crc = __builtin_bswap32(Crc32c(View(v)));
        return Hex(result, reinterpret_cast<const unsigned char*>(&crc), sizeof crc);
      });
}

// OpenSSL's digests and a context to run them in, one a thread and call.
class Digester : public duckdb::FunctionLocalState {
 public:
  Digester() : context_(EVP_MD_CTX_new()) {
    if (!context_) throw std::bad_alloc();
  }
  string_t Of(Vector& result, const char* algorithm, string_view bytes) {
    if (algorithm != algorithm_) {
      digest_.reset(EVP_MD_fetch(nullptr, algorithm, nullptr));
      algorithm_ = algorithm;
      if (!digest_)
        throw duckdb::NotImplementedException("the digest %s is not available", algorithm);
    }
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (EVP_DigestInit_ex2(context_.get(), digest_.get(), nullptr) != 1 ||
        EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1 ||
        EVP_DigestFinal_ex(context_.get(), out, &size) != 1)
      throw duckdb::InternalException("the digest %s failed", algorithm);
    return Hex(result, out, size);
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
    void operator()(EVP_MD* digest) const { EVP_MD_free(digest); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
  std::unique_ptr<EVP_MD, Free> digest_;
  const char* algorithm_ = nullptr;  // one of the literals below
};

duckdb::unique_ptr<duckdb::FunctionLocalState> MakeDigester(ExpressionState&,
                                                            const duckdb::BoundFunctionExpression&,
                                                            duckdb::FunctionData*) {
  return duckdb::make_uniq<Digester>();
}
Digester& DigesterOf(ExpressionState& state) {
  return duckdb::ExecuteFunctionState::GetFunctionState(state)->Cast<Digester>();
}

constexpr const char kMd5[] = "MD5", kSha1[] = "SHA1", kSha224[] = "SHA224", kSha256[] = "SHA256",
                     kSha384[] = "SHA384", kSha512[] = "SHA512";

template <const char* algorithm>
void Digest(DataChunk& arguments, ExpressionState& state, Vector& result) {
  auto& digester = DigesterOf(state);
  duckdb::UnaryExecutor::Execute<string_t, string_t>(
      arguments.data[0], result, arguments.size(),
      [&](string_t v) { return digester.Of(result, algorithm, View(v)); });
}

const char* Sha2Of(int64_t bits) {
  switch (bits) {
    case 0:
    case 256:
      return kSha256;
    case 224:
      return kSha224;
    case 384:
      return kSha384;
    case 512:
      return kSha512;
    default:
      return nullptr;
  }
}

void Sha2(DataChunk& arguments, ExpressionState& state, Vector& result) {
  auto& digester = DigesterOf(state);
  duckdb::BinaryExecutor::Execute<string_t, int64_t, string_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [&](string_t v, int64_t bits) {
        const char* algorithm = Sha2Of(bits);
        return algorithm ? digester.Of(result, algorithm, View(v)) : string_t("", 0);
      });
}

template <auto run>
duckdb::ScalarFunction OfText(duckdb::vector<LogicalType> arguments, LogicalType returns) {
  return TotalFunction(std::move(arguments), std::move(returns), run, BindTextOrBytes<run, false>);
}
template <auto run>
duckdb::ScalarFunction DigestOf(duckdb::vector<LogicalType> arguments) {
  auto function = OfText<run>(std::move(arguments), kText);
  function.SetInitStateCallback(MakeDigester);
  return function;
}

}  // namespace

void RegisterHash(Registrar& registrar) {
  AddOverloads(registrar, "rs_fnv_hash",
               {OfValue<Fnv>({kAny}, kBigint), OfValue<Fnv>({kAny, kBigint}, kBigint)});
  AddOverloads(registrar, "rs_murmur3_32_hash",
               {OfValue<Murmur>({kAny}, kInteger), OfValue<Murmur>({kAny, kInteger}, kInteger)});
  AddOverloads(registrar, "rs_checksum", {OfValue<Checksum>({kAny}, kInteger)});
  AddOverloads(registrar, "rs_farmfingerprint64", {OfText<Farm>({kAny}, kBigint)});
  AddOverloads(registrar, "rs_crc32", {OfText<Crc32>({kAny}, kText)});
  AddOverloads(registrar, "rs_md5", {DigestOf<Digest<kMd5>>({kAny})});
  AddOverloads(registrar, "rs_sha1", {DigestOf<Digest<kSha1>>({kAny})});
  AddOverloads(registrar, "rs_sha2", {DigestOf<Sha2>({kAny, kBigint})});
}

}  // namespace skep::worker
