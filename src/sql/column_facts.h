// What Redshift knows of a column and the engine does not, kept as text in the engine's comment on
// the column: the declared type, encoding, keys, identity, the user's own comment.
#pragma once

#include <string>
#include <string_view>

#include "sql/types.h"

namespace skep::sql {

struct ColumnFacts {
  Type type;  // kUnknown: the engine's own says it all
  std::string encoding;
  std::string default_text;  // as the user wrote it
  std::string identity;      // "seed,step"
  bool by_default = false;   // of identity
  bool distkey = false;
  int sortkey = 0;  // place within the sort key, from 1
  std::string comment;

  // Text that is not ours is a comment.
  static ColumnFacts Read(std::string_view text);
  std::string Text() const;
};

}  // namespace skep::sql
