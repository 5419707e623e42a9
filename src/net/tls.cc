#include "net/tls.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cstdio>
#include <functional>
#include <memory>

#include "base/crypto.h"

namespace skep::net {
namespace {

template <class T, void (*kFree)(T*)>
struct Deleter {
  void operator()(T* p) const { kFree(p); }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509, X509_free>>;

bool AddExtension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (!extension) return false;
  const bool ok = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return ok;
}

Result<void> WriteFile(const std::string& path, mode_t mode,
                       const std::function<bool(FILE*)>& write) {
  const mode_t old = ::umask(0077);
  FILE* file = std::fopen(path.c_str(), "w");
  ::umask(old);
  if (!file) return Fail(ErrorKind::kIoError, "cannot write " + path);
  const bool ok = write(file);
  ::fchmod(fileno(file), mode);
  if (std::fclose(file) != 0 || !ok) return Fail(ErrorKind::kIoError, "cannot write " + path);
  return {};
}

}  // namespace

Result<void> WriteSelfSignedCertificate(const std::string& certificate_path,
                                        const std::string& key_path, const std::string& host) {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate(X509_new());
  if (!key || !certificate) return Fail(ErrorKind::kInternal, "cannot make a key");
  X509_set_version(certificate.get(), 2);
  const std::string serial = RandomBytes(8);
  uint64_t number = 0;
  for (const char c : serial) number = number << 8 | static_cast<unsigned char>(c);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), number >> 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 10L * 365 * 24 * 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(host.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  std::string names = "DNS:localhost,IP:127.0.0.1,IP:::1";
  if (host != "localhost") names += ",DNS:" + host;
  const bool ok = AddExtension(certificate.get(), NID_subject_alt_name, names) &&
                  AddExtension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE") &&
                  AddExtension(certificate.get(), NID_subject_key_identifier, "hash") &&
                  X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0;
  if (!ok) return Fail(ErrorKind::kInternal, "cannot sign a certificate");
  SKEP_TRY(WriteFile(key_path, 0600, [&](FILE* f) {
    return PEM_write_PrivateKey(f, key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1;
  }));
  return WriteFile(certificate_path, 0644,
                   [&](FILE* f) { return PEM_write_X509(f, certificate.get()) == 1; });
}

Result<std::shared_ptr<boost::asio::ssl::context>> ServerContext(
    const std::string& certificate_path, const std::string& key_path) {
  auto context = std::make_shared<boost::asio::ssl::context>(boost::asio::ssl::context::tls_server);
  context->set_options(boost::asio::ssl::context::default_workarounds |
                       boost::asio::ssl::context::no_sslv2 | boost::asio::ssl::context::no_sslv3 |
                       boost::asio::ssl::context::no_tlsv1 | boost::asio::ssl::context::no_tlsv1_1);
  SSL_CTX_set_mode(context->native_handle(), SSL_MODE_RELEASE_BUFFERS);
  boost::system::error_code error;
  context->use_certificate_chain_file(certificate_path, error);
  if (error)
    return Fail(ErrorKind::kIoError,
                "cannot read the TLS certificate " + certificate_path + ": " + error.message());
  context->use_private_key_file(key_path, boost::asio::ssl::context::pem, error);
  if (error)
    return Fail(ErrorKind::kIoError,
                "cannot read the TLS key " + key_path + ": " + error.message());
  if (SSL_CTX_check_private_key(context->native_handle()) != 1) {
    return Fail(ErrorKind::kInvalidArgument,
                "the TLS key " + key_path + " does not belong to " + certificate_path);
  }
  return context;
}

}  // namespace skep::net
