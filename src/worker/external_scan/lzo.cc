#include "worker/external_scan/lzo.h"

namespace skep::external_scan {
namespace {

class Decoder {
 public:
  Decoder(std::string_view block, size_t size, std::string& out)
      : in_(block), limit_(size), out_(out) {}

  bool Run() {
    if (in_.empty()) return false;
    // How many literals followed the last match: 0 to 3, or 4 and more after a run of literals.
    size_t state = 0;
    if (const auto first = static_cast<uint8_t>(in_[0]); first > 17) {
      at_ = 1;
      const size_t count = first - 17u;
      if (!Literals(count)) return false;
      state = count < 4 ? count : 4;
    }
    while (at_ < in_.size()) {
      const uint32_t code = Byte();
      if (code < 16 && state == 0) {
        if (!Literals(Length(code, 15) + 3)) return false;
        state = 4;
        continue;
      }
      size_t length = 0, distance = 0;
      if (code < 16) {
        length = state == 4 ? 3 : 2;
        distance = (Byte() << 2) + ((code >> 2) & 3) + (state == 4 ? 2049 : 1);
        state = code & 3;
      } else if (code >= 64) {
        length = (code >> 5) + 1;
        distance = (Byte() << 3) + ((code >> 2) & 7) + 1;
        state = code & 3;
      } else {
        const bool near = code >= 32;
        length = near ? Length(code & 31, 31) + 2 : Length(code & 7, 7) + 2;
        const uint32_t low = Byte();
        const uint32_t both = low | Byte() << 8;
        distance = near ? (both >> 2) + 1 : ((code & 8) << 11) + (both >> 2) + 16384;
        if (!near && distance == 16384) return !broken_ && out_.size() == limit_;
        state = both & 3;
      }
      if (broken_ || !Match(length, distance) || !Literals(state)) return false;
    }
    return false;  // the end has a mark
  }

 private:
  uint32_t Byte() {
    if (at_ < in_.size()) return static_cast<uint8_t>(in_[at_++]);
    broken_ = true;
    return 0;
  }
  // A length that did not fit into its bits goes on in bytes.
  size_t Length(uint32_t bits, uint32_t most) {
    if (bits != 0) return bits;
    size_t length = most;
    uint32_t byte = Byte();
    while (byte == 0 && !broken_) {
      length += 255;
      byte = Byte();
    }
    return length + byte;
  }
  bool Literals(size_t count) {
    if (broken_ || count > in_.size() - at_ || count > limit_ - out_.size()) return false;
    out_.append(in_.substr(at_, count));
    at_ += count;
    return true;
  }
  bool Match(size_t length, size_t distance) {
    if (distance > out_.size() || length > limit_ - out_.size()) return false;
    for (size_t from = out_.size() - distance; length > 0; length--) out_ += out_[from++];
    return true;
  }

  std::string_view in_;
  size_t limit_, at_ = 0;
  bool broken_ = false;
  std::string& out_;
};

}  // namespace

bool DecompressLzo(std::string_view block, size_t size, std::string& out) {
  out.clear();
  out.reserve(size);
  return Decoder(block, size, out).Run();
}

}  // namespace skep::external_scan
