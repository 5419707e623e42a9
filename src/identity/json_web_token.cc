#include "identity/json_web_token.h"

#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/crypto.h"

namespace skep::identity {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxKeys = 100;
constexpr int kLeastRsaBits = 2048, kMostRsaBits = 16384;
constexpr int kMaxDepth = 16;

template <class T, void (*kFree)(T*)>
struct Freed {
  void operator()(T* one) const { kFree(one); }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY, EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX, EVP_PKEY_CTX_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX, EVP_MD_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Freed<BIGNUM, BN_free>>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM, OSSL_PARAM_free>>;
using EcSignature = std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG, ECDSA_SIG_free>>;

struct Algorithm {
  std::string_view name, type, curve;
  const EVP_MD* (*digest)();
  size_t half;  // bytes of r and of s
};
// What is not here ("none", HMAC with a public key as its secret) is no algorithm.
constexpr Algorithm kAlgorithms[] = {{"RS256", "RSA", "", EVP_sha256, 0},
                                     {"RS384", "RSA", "", EVP_sha384, 0},
                                     {"RS512", "RSA", "", EVP_sha512, 0},
                                     {"ES256", "EC", "P-256", EVP_sha256, 32},
                                     {"ES384", "EC", "P-384", EVP_sha384, 48}};

std::unexpected<Error> Malformed(std::string_view why) {
  return Fail(ErrorKind::kInvalidArgument, std::string(why));
}

std::string TextOf(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// An object whose members are there once: who reads the first of two and who reads the last would
// be told different things.
std::optional<Json> ParseObject(const std::string& text) {
  bool twice = false;
  std::vector<std::vector<std::string>> names;
  const auto each = [&](int depth, Json::parse_event_t event, Json& parsed) {
    using enum Json::parse_event_t;
    if (depth > kMaxDepth) twice = true;
    if (event == object_start) names.emplace_back();
    if (event == object_end && !names.empty()) names.pop_back();
    if (event == key && !names.empty()) {
      auto& here = names.back();
      std::string name = parsed.get<std::string>();
      if (std::ranges::find(here, name) != here.end()) twice = true;
      here.push_back(std::move(name));
    }
    return true;
  };
  Json json = Json::parse(text, each, false);
  if (!json.is_object() || twice) return std::nullopt;
  return json;
}

Number NumberOf(const std::string& bytes) {
  return Number(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                          static_cast<int>(bytes.size()), nullptr));
}

Key MakeKey(const JsonWebKey& key) {
  const Builder builder(OSSL_PARAM_BLD_new());
  if (!builder) return nullptr;
  const Number n = NumberOf(key.n), e = NumberOf(key.e);
  const std::string point = '\x04' + key.x + key.y;
  const std::string group = key.curve;
  if (key.type == "RSA") {
    if (!n || !e || BN_num_bits(n.get()) < kLeastRsaBits || BN_num_bits(n.get()) > kMostRsaBits ||
        !BN_is_odd(e.get()) || BN_is_one(e.get()) || BN_num_bits(e.get()) > 64 ||
        !OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) ||
        !OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()))
      return nullptr;
  } else if (!OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                              group.c_str(), group.size()) ||
             !OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                               point.size())) {
    return nullptr;
  }
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, key.type.c_str(), nullptr));
  EVP_PKEY* made = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1)
    return nullptr;
  return Key(made);
}

// r and s, as JSON Web Algorithms write them, in the form that OpenSSL takes; empty when it is
// none.
std::string ToDer(const std::string& signature, size_t half) {
  if (signature.size() != 2 * half) return {};
  Number r = NumberOf(signature.substr(0, half)), s = NumberOf(signature.substr(half));
  const EcSignature made(ECDSA_SIG_new());
  if (!r || !s || !made || ECDSA_SIG_set0(made.get(), r.get(), s.get()) != 1) return {};
  (void)r.release();
  (void)s.release();
  unsigned char* der = nullptr;
  const int length = i2d_ECDSA_SIG(made.get(), &der);
  if (length <= 0) return {};
  std::string out(reinterpret_cast<char*>(der), static_cast<size_t>(length));
  OPENSSL_free(der);
  return out;
}

}  // namespace

std::optional<std::string> Base64UrlDecode(std::string_view text) {
  std::string plain(text);
  for (char& c : plain) {
    if (c == '+' || c == '/' || c == '=') return std::nullopt;
    if (c == '-') c = '+';
    if (c == '_') c = '/';
  }
  if (plain.size() % 4 == 1) return std::nullopt;
  while (plain.size() % 4 != 0) plain += '=';
  return Base64Decode(plain);
}

Result<JsonWebToken> ReadJsonWebToken(std::string_view text) {
  if (text.size() > kMaxTokenBytes) return Malformed("The token is too long.");
  const size_t first = text.find('.');
  const size_t second = first == std::string_view::npos ? first : text.find('.', first + 1);
  if (second == std::string_view::npos || text.find('.', second + 1) != std::string_view::npos)
    return Malformed(
        "The ID Token provided is not a valid JWT. (You may see this error if you "
        "sent an Access Token)");
  const auto header = Base64UrlDecode(text.substr(0, first));
  const auto payload = Base64UrlDecode(text.substr(first + 1, second - first - 1));
  auto signature = Base64UrlDecode(text.substr(second + 1));
  if (!header || !payload || !signature) return Malformed("The token is not in base64url.");
  const auto head = ParseObject(*header);
  auto claims = ParseObject(*payload);
  if (!head || !claims) return Malformed("The token's header or payload is no JSON object.");
  // Extensions that must be understood, and are not. Source: RFC 7515, section 4.1.11.
  if (head->contains("crit")) return Malformed("The token has critical headers.");
  JsonWebToken token;
  token.algorithm = TextOf(*head, "alg");
  token.key_id = TextOf(*head, "kid");
  token.claims = std::move(*claims);
  token.signed_text = text.substr(0, second);
  token.signature = std::move(*signature);
  return token;
}

Result<std::vector<JsonWebKey>> ReadJsonWebKeys(std::string_view text) {
  const Json set = Json::parse(text, nullptr, false);
  const auto list = set.is_object() ? set.find("keys") : set.end();
  if (!set.is_object() || list == set.end() || !list->is_array())
    return Malformed("it is no JSON Web Key Set");
  if (list->size() > kMaxKeys) return Malformed("it has more than 100 keys");
  std::vector<JsonWebKey> keys;
  for (const Json& one : *list) {
    if (!one.is_object()) continue;
    const std::string use = TextOf(one, "use");
    if (!use.empty() && use != "sig") continue;
    JsonWebKey key;
    key.key_id = TextOf(one, "kid");
    key.algorithm = TextOf(one, "alg");
    key.type = TextOf(one, "kty");
    key.curve = TextOf(one, "crv");
    const auto bytes = [&one](const char* name) {
      return Base64UrlDecode(TextOf(one, name)).value_or("");
    };
    if (key.type == "RSA") {
      key.curve.clear();
      key.n = bytes("n");
      key.e = bytes("e");
      if (key.n.empty() || key.e.empty()) continue;
    } else if (key.type == "EC") {
      key.x = bytes("x");
      key.y = bytes("y");
      const size_t size = key.curve == "P-256" ? 32 : key.curve == "P-384" ? 48 : 0;
      if (size == 0 || key.x.size() != size || key.y.size() != size) continue;
    } else {
      continue;
    }
    keys.push_back(std::move(key));
  }
  return keys;
}

std::vector<JsonWebKey> KeysFor(const std::vector<JsonWebKey>& keys, const JsonWebToken& token) {
  std::vector<JsonWebKey> fitting;
  for (const JsonWebKey& key : keys) {
    if (token.key_id.empty() || key.key_id == token.key_id) fitting.push_back(key);
  }
  return fitting;
}

bool IsSignedBy(const JsonWebToken& token, const JsonWebKey& key) {
  const auto algorithm = std::ranges::find(kAlgorithms, token.algorithm, &Algorithm::name);
  if (algorithm == std::end(kAlgorithms) || algorithm->type != key.type ||
      algorithm->curve != key.curve || (!key.algorithm.empty() && key.algorithm != token.algorithm))
    return false;
  const Key made = MakeKey(key);
  if (!made) return false;
  const std::string signature =
      algorithm->half == 0 ? token.signature : ToDer(token.signature, algorithm->half);
  const Digest context(EVP_MD_CTX_new());
  if (signature.empty() || !context ||
      EVP_DigestVerifyInit(context.get(), nullptr, algorithm->digest(), nullptr, made.get()) != 1)
    return false;
  return EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                          signature.size(),
                          reinterpret_cast<const unsigned char*>(token.signed_text.data()),
                          token.signed_text.size()) == 1;
}

}  // namespace skep::identity
