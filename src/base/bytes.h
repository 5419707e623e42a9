// Bounded reading and growing writing of byte strings. Readers never run past their input: the
// first short read sets a sticky failure and every later value is zero, so a decoder checks ok()
// once at its end.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace skep {

using ByteView = std::string_view;

// Reads integers of either byte order and length-prefixed strings from a byte string that it does
// not own.
class ByteReader {
 public:
  explicit ByteReader(ByteView data) : data_(data) {}

  uint8_t U8() { return static_cast<uint8_t>(Fixed<1, false>()); }
  uint16_t U16Be() { return static_cast<uint16_t>(Fixed<2, true>()); }
  uint32_t U32Be() { return static_cast<uint32_t>(Fixed<4, true>()); }
  uint64_t U64Be() { return Fixed<8, true>(); }
  uint16_t U16() { return static_cast<uint16_t>(Fixed<2, false>()); }
  uint32_t U32() { return static_cast<uint32_t>(Fixed<4, false>()); }
  uint64_t U64() { return Fixed<8, false>(); }
  int64_t I64() { return static_cast<int64_t>(U64()); }
  int32_t I32() { return static_cast<int32_t>(U32()); }
  bool Bool() { return U8() != 0; }
  double F64();
  // n bytes; fails when fewer are left.
  ByteView Bytes(size_t n);
  // u32 little-endian length, then the bytes.
  std::string String() { return std::string(Bytes(U32())); }
  // A NUL-terminated string; fails when no NUL is left.
  std::string CString();
  ByteView Rest() { return Bytes(data_.size() - at_); }

  size_t left() const { return data_.size() - at_; }
  bool ok() const { return ok_; }
  // True when everything was read and nothing failed.
  bool Done() const { return ok_ && at_ == data_.size(); }
  void Fail() { ok_ = false; }

 private:
  template <int kWidth, bool kBigEndian>
  uint64_t Fixed() {
    if (!ok_ || data_.size() - at_ < kWidth) {
      ok_ = false;
      return 0;
    }
    uint64_t v = 0;
    for (int i = 0; i < kWidth; i++) {
      const auto b = static_cast<uint8_t>(data_[at_ + static_cast<size_t>(i)]);
      v |= static_cast<uint64_t>(b) << (8 * (kBigEndian ? kWidth - 1 - i : i));
    }
    at_ += kWidth;
    return v;
  }

  ByteView data_;
  size_t at_ = 0;
  bool ok_ = true;
};

// Appends integers of either byte order and length-prefixed strings to a std::string.
class ByteWriter {
 public:
  ByteWriter& U8(uint8_t v) {
    out_.push_back(static_cast<char>(v));
    return *this;
  }
  ByteWriter& Bool(bool v) { return U8(v ? 1 : 0); }
  ByteWriter& U16Be(uint16_t v) { return Put<2, true>(v); }
  ByteWriter& U32Be(uint32_t v) { return Put<4, true>(v); }
  ByteWriter& U64Be(uint64_t v) { return Put<8, true>(v); }
  ByteWriter& U16(uint16_t v) { return Put<2, false>(v); }
  ByteWriter& U32(uint32_t v) { return Put<4, false>(v); }
  ByteWriter& U64(uint64_t v) { return Put<8, false>(v); }
  ByteWriter& I64(int64_t v) { return U64(static_cast<uint64_t>(v)); }
  ByteWriter& I32(int32_t v) { return U32(static_cast<uint32_t>(v)); }
  ByteWriter& F64(double v);
  ByteWriter& Raw(ByteView v) {
    out_.append(v);
    return *this;
  }
  ByteWriter& String(ByteView v) {
    U32(static_cast<uint32_t>(v.size()));
    return Raw(v);
  }
  ByteWriter& CString(ByteView v) {
    Raw(v);
    out_.push_back('\0');
    return *this;
  }
  // Overwrites four bytes at `at`, big-endian: for length words known only at the end.
  void PatchU32Be(size_t at, uint32_t v);

  size_t size() const { return out_.size(); }
  const std::string& str() const { return out_; }
  std::string Take() { return std::move(out_); }

 private:
  template <int kWidth, bool kBigEndian>
  ByteWriter& Put(uint64_t v) {
    for (int i = 0; i < kWidth; i++)
      out_.push_back(static_cast<char>(v >> (8 * (kBigEndian ? kWidth - 1 - i : i))));
    return *this;
  }
  std::string out_;
};

}  // namespace skep
