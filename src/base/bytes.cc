#include "base/bytes.h"

#include <bit>

namespace skep {

double ByteReader::F64() { return std::bit_cast<double>(U64()); }

ByteView ByteReader::Bytes(size_t n) {
  if (!ok_ || data_.size() - at_ < n) {
    ok_ = false;
    return {};
  }
  const ByteView v = data_.substr(at_, n);
  at_ += n;
  return v;
}

std::string ByteReader::CString() {
  const size_t end = ok_ ? data_.find('\0', at_) : ByteView::npos;
  if (end == ByteView::npos) {
    ok_ = false;
    return {};
  }
  std::string v(data_.substr(at_, end - at_));
  at_ = end + 1;
  return v;
}

ByteWriter& ByteWriter::F64(double v) { return U64(std::bit_cast<uint64_t>(v)); }

void ByteWriter::PatchU32Be(size_t at, uint32_t v) {
  for (size_t i = 0; i < 4; i++) out_.at(at + i) = static_cast<char>(v >> (8 * (3 - i)));
}

}  // namespace skep
