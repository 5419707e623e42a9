#include "sql/resolve/context.h"

#include "base/text.h"

namespace skep::sql {
namespace {

constexpr size_t kMaxNameBytes = 127;

}  // namespace

std::string FrontContext::Cut(std::string name) {
  if (name.size() <= kMaxNameBytes) return name;
  size_t end = kMaxNameBytes;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) end--;
  name.resize(end);
  return name;
}

std::string FrontContext::Fold(const ast::Name& name) const {
  return Cut(name.quoted && case_sensitive_identifiers ? std::string(name.text) : Lower(name.text));
}

}  // namespace skep::sql
