// Making users and keys: passwords, their verifiers, access keys, and the file with the admin's
// first password.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "base/secret.h"
#include "control/store.h"

namespace skep::app {

// 20 letters and digits, at least one of each of Redshift's classes.
Secret GeneratePassword();
// Redshift's rule: 8 to 64 printable ASCII characters but ' " \ / @ and space, with an upper-case
// letter, a lower-case letter and a digit. Source: Redshift Database Developer Guide, CREATE USER.
// Errors: kInvalidArgument.
Result<void> CheckPassword(const Secret& password);
// 1 to 63 characters, begins with a lower-case letter or underscore, then lower-case letters,
// digits, _ - . @. Errors: kInvalidArgument.
Result<void> CheckName(const std::string& what, const std::string& name);
// A user with verifiers for every way of authentication.
control::User MakeUser(const std::string& workspace, const std::string& name,
                       const Secret& password, bool superuser);
// A fresh access key: AKIA and 16 characters, a secret of 40.
control::AccessKey MakeAccessKey(const std::string& workspace, const std::string& user,
                                 const std::string& account);

struct AdminCredential {
  std::string user;
  Secret password;
  std::string workspace;
  std::string database;
};
// Writes the file with mode 0600. Errors: kIoError, kDiskFull.
Result<void> WriteAdminCredential(const std::string& path, const AdminCredential& credential);
// nullopt when there is none or it cannot be read.
std::optional<AdminCredential> ReadAdminCredential(const std::string& path);

// Writes a small file whole or not at all: temporary name, fsync, rename. Errors: kIoError,
// kDiskFull.
Result<void> WriteFileAtomically(const std::string& path, std::string_view text, unsigned mode);
// Asks on the terminal without echo. nullopt without a terminal.
std::optional<Secret> PromptPassword(const std::string& prompt);

}  // namespace skep::app
