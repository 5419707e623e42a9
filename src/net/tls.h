// Server-side TLS: the context of the gateway's listeners, and the self-signed certificate that
// `skep init` makes.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "base/error.h"

namespace skep::net {

// Writes a self-signed certificate (P-256, ten years, SAN localhost, 127.0.0.1, ::1 and `host`) and
// its key (mode 0600). Errors: kIoError.
Result<void> WriteSelfSignedCertificate(const std::string& certificate_path,
                                        const std::string& key_path, const std::string& host);

// TLS 1.2 and 1.3. Errors: kIoError when a file cannot be read, kInvalidArgument when key and
// certificate do not fit.
Result<std::shared_ptr<boost::asio::ssl::context>> ServerContext(
    const std::string& certificate_path, const std::string& key_path);

}  // namespace skep::net
