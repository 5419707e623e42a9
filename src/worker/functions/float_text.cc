#include "worker/functions/float_text.h"

#include <fmt/format.h>

#include "worker/pg_format.h"

namespace skep::worker {
namespace {

template <class Float>
char* Put(char* p, Float value, unsigned wanted) {
  constexpr unsigned kDigits = sizeof(Float) == 8 ? kDoubleDigits : kFloatDigits;
  if (!std::isfinite(value) || value == 0) return PutFloat(p, value);
  if (wanted != kDigits) return fmt::format_to(p, "{:.{}g}", value, wanted);
  // Of the smallest numbers the shortest form has fewer digits than were asked for.
  if (!std::isnormal(value)) return fmt::format_to(p, "{:.{}g}", value, kDigits);
  const auto shortest = fmt::detail::dragonbox::to_decimal(value < 0 ? -value : value);
  uint64_t digits = shortest.significand;
  int exponent = shortest.exponent;
  const unsigned count = format_detail::Digits(digits);
  // Few enough digits are the same in both forms.
  if (count <= kDigits) return PutFloat(p, value);
  const uint64_t cut = format_detail::kTables.powers[count - kDigits];
  const uint64_t rest = digits % cut;
  // Only where the shortest form stands on the middle can it lie on the wrong side of it.
  if (rest == cut / 2) return fmt::format_to(p, "{:.{}g}", value, kDigits);
  digits = digits / cut + (rest > cut / 2 ? 1 : 0);
  exponent += static_cast<int>(count - kDigits);
  while (digits % 10 == 0) {
    digits /= 10;
    exponent++;
  }
  if (value < 0) *p++ = '-';
  const unsigned left = format_detail::Digits(digits);
  const int magnitude = exponent + static_cast<int>(left) - 1;
  if (magnitude >= -4 && magnitude < static_cast<int>(kDigits)) {
    if (exponent < 0) {
      char* e = PutDecimal128(p, static_cast<Int128>(digits), static_cast<unsigned>(-exponent));
      return e;
    }
    p = PutUnsigned(p, digits);
    std::memset(p, '0', static_cast<size_t>(exponent));
    return p + exponent;
  }
  // d.ddde+XX
  PutUnsigned(p + 1, digits);
  p[0] = p[1];
  if (left > 1) {
    p[1] = '.';
    p += left + 1;
  } else {
    p += 1;
  }
  *p++ = 'e';
  *p++ = magnitude < 0 ? '-' : '+';
  const auto distance = static_cast<unsigned>(std::abs(magnitude));
  if (distance < 10) *p++ = '0';
  return PutUnsigned(p, distance);
}

}  // namespace

char* PutRoundedFloat(char* p, double value, unsigned digits) { return Put(p, value, digits); }
char* PutRoundedFloat(char* p, float value, unsigned digits) { return Put(p, value, digits); }

}  // namespace skep::worker
