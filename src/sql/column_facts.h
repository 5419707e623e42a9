// What Redshift knows of a column and the engine does not, kept as text in the engine's comment on
// the column: the declared type, encoding, keys, identity, the user's own comment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sql/types.h"

namespace skep::sql {

// Whether the engine's type of a column tells less than what was declared.
bool NeedsDeclaring(const Type& type);

struct ColumnFacts {
  Type type;  // kUnknown: the engine's own says it all
  std::string encoding;
  std::string default_text;  // as the user wrote it
  std::string identity;      // "seed,step"
  std::string sequence;      // of identity: its name in the hidden schema
  bool by_default = false;   // of identity
  bool distkey = false;
  int sortkey = 0;  // place within the sort key, from 1
  std::string comment;

  // Text that is not ours is a comment.
  static ColumnFacts Read(std::string_view text);
  std::string Text() const;  // empty when there is nothing to say
};

// The same for a table or view.
struct TableFacts {
  std::string diststyle;   // "even", "key", "all", "auto"; empty: not given
  std::string sort_style;  // "compound", "interleaved", "auto"
  std::string backup;
  std::string encode;  // "auto"
  std::vector<std::string>
      constraints;         // PRIMARY KEY, UNIQUE, FOREIGN KEY, as Redshift prints them
  std::string definition;  // of a view: the user's own query
  size_t relations = 0;    // of a view: how many it reads, each view as those that it reads
  bool late_binding = false;
  std::vector<std::string> columns;  // of a late-binding view: their names, when it gives them
  std::vector<std::string> depends;  // of a view: RelationKey of what it reads
  std::string comment;

  static TableFacts Read(std::string_view text);
  std::string Text() const;
};

}  // namespace skep::sql
