// What a statement is resolved and written with: the session's facts and settings, the catalog.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sql/ast/node.h"
#include "sql/resolve/catalog.h"

namespace skep::sql {

struct FrontContext {
  std::string database;
  std::string user;
  uint32_t process_id = 0;
  std::vector<std::string> search_path;  // schemas that exist, in order
  Catalog* catalog = nullptr;
  std::vector<Type> parameters;                  // as the client declared them; kUnknown: left open
  bool case_sensitive_identifiers = false;       // enable_case_sensitive_identifier
  bool case_sensitive_super_attributes = false;  // enable_case_sensitive_super_attribute
  // How lenient SUPER values are: json_parse and navigation, casts, searches for NULL.
  bool parse_super_null_on_error = false;
  bool json_parse_dedup_attributes = false;
  bool json_parse_truncate_strings = false;
  bool navigate_super_null_on_error = true;
  bool cast_super_null_on_error = true;
  bool default_array_search_null_handling = true;
  bool error_on_nondeterministic_update = false;
  bool exact_text_equality = false;  // trailing blanks of VARCHAR do not count in comparisons

  // Set when a COPY ... JOB CREATE is run by its job: the load of these objects.
  struct CopyJobLoad {
    int64_t job = 0;
    std::vector<std::string> files;
  };
  std::optional<CopyJobLoad> copy_job_load;

  // What SHOW answers; nothing for a setting that there is not.
  std::function<std::optional<std::string>(std::string_view)> setting;

  // Whether nobody waits for the statement any longer; asked now and then while it is written.
  std::function<bool()> stopped;

  // An identifier as these settings fold it, cut.
  std::string Fold(const ast::Name& name) const;
  // At 127 bytes, between characters. Source: the developer guide's "Names and identifiers".
  static std::string Cut(std::string name);
};

}  // namespace skep::sql
