// Feeds arbitrary scripts to the SQL front: nothing may crash or hang, every statement is a tree or
// an error at a place within the script, and what is printed reads back equal and prints the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sql/ast/statement_tag.h"
#include "sql/ast/visit.h"
#include "sql/parse/script.h"
#include "sql/print/print.h"
#include "sql/print/redact.h"

namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace skep::sql;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  RedactText(text);
  const ParsedScript script = ParseWholeScript(text);
  for (const ParsedStatement& statement : script.statements) {
    Check(statement.offset <= size && statement.text.size() <= size - statement.offset);
    if (!statement.tree) {
      Check(!statement.error.message.empty() && statement.error.position <= size + 1);
      continue;
    }
    Check(!TagOf(*statement.tree).empty());
    ClassOf(*statement.tree);
    Redact(*statement.tree, statement.text);
    const std::string once = Print(*statement.tree);
    const ParsedScript again = ParseWholeScript(once);
    // What is printed may be a little deeper than what was read: parentheses count.
    Check(again.statements.size() == 1);
    if (!again.statements[0].tree &&
        again.statements[0].error.kind == skep::ErrorKind::kPayloadTooLarge)
      continue;
    Check(again.statements[0].tree != nullptr);
    Check(ast::Equal(*statement.tree, *again.statements[0].tree));
    Check(Print(*again.statements[0].tree) == once);
  }
  return 0;
}
