#include "worker/functions/datetime_text.h"

#include <algorithm>
#include <array>
#include <optional>

#include "worker/functions/ascii.h"
#include "worker/functions/calendar.h"
#include "worker/functions/calendar_names.h"

namespace skep::worker {
namespace {

bool IsDateMark(char c) { return c == '-' || c == '/' || c == '.'; }

int Number(std::string_view digits) {
  int value = 0;
  for (const char c : digits) {
    value = value * 10 + (c - '0');
    if (value > 100'000'000) return value;
  }
  return value;
}

// Microseconds of ".123456789", rounded.
int64_t Fraction(std::string_view digits) {
  int64_t micros = 0, unit = 100'000;
  for (size_t i = 0; i < digits.size() && i < 6; i++, unit /= 10)
    micros += (digits[i] - '0') * unit;
  return micros + (digits.size() > 6 && digits[6] >= '5');
}

class Reader {
 public:
  Reader(std::string_view text, TextKind kind, duckdb::ClientContext* context, DatetimeText& out)
      : text_(text), kind_(kind), context_(context), out_(out) {}

  TextError Read() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      TextError error = TextError::kNone;
      if (IsSpace(c) || c == ',') {
        at_++;
      } else if (IsDigit(c)) {
        error = Digits();
      } else if (c == '+' || c == '-') {
        error = Signed();
      } else if (IsLetter(c)) {
        error = Letters();
      } else {
        return TextError::kSyntax;
      }
      if (error != TextError::kNone) return error;
    }
    return Finish();
  }

 private:
  std::string_view While(bool (*of)(char)) {
    const size_t start = at_;
    while (at_ < text_.size() && of(text_[at_])) at_++;
    return text_.substr(start, at_ - start);
  }
  bool Next(char c) const { return at_ < text_.size() && text_[at_] == c; }
  bool DigitAfter(size_t ahead) const {
    return at_ + ahead < text_.size() && IsDigit(text_[at_ + ahead]);
  }
  bool MonthDone() const { return month_ >= 0; }
  bool DateDone() const { return day_known_ || (year_set_ && MonthDone() && day_ >= 0); }

  TextError Digits() {
    const size_t start = at_;
    const std::string_view digits = While(IsDigit);
    if (julian_) {
      julian_ = false;
      if (DateDone() || digits.size() > 8) return TextError::kSyntax;
      day_number_ = Number(digits) - kJulianDayOfEpoch;
      day_known_ = true;
      if (Next('.')) {  // a fraction of the day is dropped
        at_++;
        While(IsDigit);
      }
      return TextError::kNone;
    }
    if (Next(':')) return Time(digits);
    if (at_ < text_.size() && IsDateMark(text_[at_]) && at_ + 1 < text_.size()) {
      const char mark = text_[at_];
      size_t end = at_ + 1;
      if (!IsDigit(text_[end])) {
        if (!IsLetter(text_[end])) {
          if (mark != '.') return Plain(digits);
          at_++;  // a trailing point
          return Plain(digits);
        }
        if (mark == '.') return Plain(digits);
        while (end < text_.size() &&
               (IsDigit(text_[end]) || IsLetter(text_[end]) || IsDateMark(text_[end])))
          end++;
        at_ = end;
        return Date(text_.substr(start, end - start));
      }
      while (end < text_.size() && IsDigit(text_[end])) end++;
      if (end < text_.size() && text_[end] == mark) {
        while (end < text_.size() && (IsDigit(text_[end]) || text_[end] == mark)) end++;
        at_ = end;
        return Date(text_.substr(start, end - start));
      }
      if (mark != '.') {  // "20081231-08" and "12/31" do not name a day and a zone
        if (mark == '-' && DateDone() == false && digits.size() >= 6) return Plain(digits);
        if (mark == '-' && DateDone()) return Plain(digits);
        at_ = end;
        return Date(text_.substr(start, end - start));
      }
      const std::string_view fraction = text_.substr(at_ + 1, end - at_ - 1);
      at_ = end;
      if (!DateDone() && kind_ != TextKind::kTime) {
        // "2008.366", and "20081231.5" is no date.
        if (digits.size() == 4 && fraction.size() == 3 && !year_set_ && !MonthDone()) {
          SetYear(digits);
          return DayOfYearIs(fraction);
        }
        return TextError::kSyntax;
      }
      if (digits.size() != 6 || time_set_) return TextError::kSyntax;
      return RunTogetherTime(digits, fraction);
    }
    return Plain(digits);
  }

  // Digits that stand alone.
  TextError Plain(std::string_view digits) {
    if (time_follows_) {
      time_follows_ = false;
      return RunTogetherTime(digits, {});
    }
    if (digits.size() > 4) return RunTogether(digits);
    if (DateDone() || (kind_ == TextKind::kTime && digits.size() == 4 && !month_by_name_))
      return RunTogetherTime(digits, {});
    return DatePart(digits);
  }

  TextError RunTogether(std::string_view digits) {
    const bool date_done = DateDone() || (kind_ == TextKind::kTime && digits.size() == 6);
    if (date_done) return RunTogetherTime(digits, {});
    if (year_set_ || MonthDone() || day_ >= 0) {
      if (digits.size() > 7) return TextError::kSyntax;
      return DatePart(digits);  // a year of five digits and more
    }
    if (digits.size() != 6 && digits.size() != 8 && digits.size() != 14) return TextError::kSyntax;
    const size_t year = digits.size() == 6 ? 2 : 4;
    SetYear(digits.substr(0, year));
    month_ = Number(digits.substr(year, 2));
    day_ = Number(digits.substr(year + 2, 2));
    return digits.size() == 14 ? RunTogetherTime(digits.substr(8), {}) : TextError::kNone;
  }

  // hhmmss with a fraction, or hhmm.
  TextError RunTogetherTime(std::string_view digits, std::string_view fraction) {
    if (time_set_ || (digits.size() != 6 && digits.size() != 4)) return TextError::kSyntax;
    const int seconds = digits.size() == 6 ? Number(digits.substr(4, 2)) : 0;
    return SetTime(Number(digits.substr(0, 2)), Number(digits.substr(2, 2)), seconds,
                   Fraction(fraction));
  }

  TextError Time(std::string_view hours) {
    if (time_set_ || hours.size() > 2) return TextError::kSyntax;
    time_follows_ = false;
    at_++;
    const std::string_view minutes = While(IsDigit);
    if (minutes.empty() || minutes.size() > 2) return TextError::kSyntax;
    int seconds = 0;
    int64_t fraction = 0;
    if (Next(':')) {
      at_++;
      const std::string_view digits = While(IsDigit);
      if (digits.empty() || digits.size() > 2) return TextError::kSyntax;
      seconds = Number(digits);
      if (Next('.') || (Next(':') && DigitAfter(1))) {
        at_++;
        fraction = Fraction(While(IsDigit));
      }
    }
    return SetTime(Number(hours), Number(minutes), seconds, fraction);
  }

  TextError SetTime(int hours, int minutes, int seconds, int64_t fraction) {
    time_set_ = true;
    hours_ = hours;
    if (minutes > 59 || seconds > 60 || hours > 24) return TextError::kFieldRange;
    micros_ = minutes * kMicrosPerMinute + seconds * kMicrosPerSecond + fraction;
    if (hours == 24 && micros_ != 0) return TextError::kFieldRange;
    return TextError::kNone;
  }

  void SetYear(std::string_view digits) {
    year_ = Number(digits);
    two_digits_ = digits.size() <= 2;
    year_set_ = true;
  }

  TextError DayOfYearIs(std::string_view digits) {
    const int day = Number(digits);
    if (day < 1 || day > 366) return TextError::kFieldRange;
    day_of_year_ = day;
    month_ = 1;
    day_ = 1;
    return TextError::kNone;
  }

  // One number of a date, by what is known of the date so far.
  TextError DatePart(std::string_view digits) {
    const int value = Number(digits);
    const bool long_number = digits.size() >= 3;
    if (DateDone()) return TextError::kSyntax;
    if (digits.size() == 3 && year_set_ && !MonthDone() && day_ < 0) return DayOfYearIs(digits);
    if (month_by_name_) {
      if (year_set_) {
        day_ = value;
      } else if (day_ >= 0 || long_number) {
        SetYear(digits);
      } else {
        day_ = value;
      }
      return TextError::kNone;
    }
    if (!year_set_ && !MonthDone() && day_ < 0) {
      if (long_number) {
        SetYear(digits);
      } else {
        month_ = value;
      }
    } else if (!MonthDone()) {
      month_ = value;
    } else if (day_ < 0) {
      day_ = value;
    } else {
      SetYear(digits);
    }
    return TextError::kNone;
  }

  // Two or three parts with one mark between them; a part may be a month's name.
  TextError Date(std::string_view text) {
    std::array<std::string_view, 3> parts;
    size_t count = 0;
    for (size_t i = 0; i < text.size();) {
      if (IsDateMark(text[i])) {
        i++;
        continue;
      }
      const size_t start = i;
      const bool digits = IsDigit(text[i]);
      while (i < text.size() && (digits ? IsDigit(text[i]) : IsLetter(text[i]))) i++;
      if (i == start || count == parts.size()) return TextError::kSyntax;
      parts[count++] = text.substr(start, i - start);
    }
    if (DateDone()) return TextError::kSyntax;
    const char mark = *std::ranges::find_if(text, IsDateMark);
    // 17.12.1997: with points, a first number that is no month is the day.
    if (count == 3 && mark == '.' && IsDigit(parts[0][0]) && IsDigit(parts[1][0]) &&
        parts[0].size() <= 2 && Number(parts[0]) > 12 && Number(parts[1]) <= 12)
      std::swap(parts[0], parts[1]);
    for (size_t i = 0; i < count; i++) {
      if (!IsLetter(parts[i][0])) continue;
      const auto month = MonthNamed(parts[i]);
      if (!month || month_by_name_) return TextError::kSyntax;
      month_by_name_ = true;
      month_ = *month;
    }
    for (size_t i = 0; i < count; i++) {
      if (IsLetter(parts[i][0])) continue;
      const TextError error = DatePart(parts[i]);
      if (error != TextError::kNone) return error;
    }
    return DateDone() ? TextError::kNone : TextError::kSyntax;
  }

  // +hh, +hhmm, +hh:mm or +hh:mm:ss.
  TextError Signed() {
    if (!time_set_ && !DateDone()) return TextError::kSyntax;
    if (out_.has_zone) return TextError::kSyntax;
    const bool negative = text_[at_++] == '-';
    const std::string_view digits = While(IsDigit);
    int hours = 0, minutes = 0, seconds = 0;
    if (digits.empty() || digits.size() > 4) return TextError::kSyntax;
    if (Next(':')) {
      hours = Number(digits);
      at_++;
      minutes = Number(While(IsDigit));
      if (Next(':')) {
        at_++;
        seconds = Number(While(IsDigit));
      }
    } else if (digits.size() > 2) {
      hours = Number(digits) / 100;
      minutes = Number(digits) % 100;
    } else {
      hours = Number(digits);
    }
    if (hours > 15 || minutes > 59 || seconds > 59) return TextError::kZoneRange;
    const int total = hours * 3600 + minutes * 60 + seconds;
    SetZone(negative ? -total : total);
    return TextError::kNone;
  }

  void SetZone(int32_t seconds_east) {
    out_.has_zone = true;
    out_.seconds_east = seconds_east;
  }

  // Words that may stand right before the sign of an offset.
  static bool IsMark(std::string_view word) {
    return EqualsNoCase(word, "am") || EqualsNoCase(word, "pm") || EqualsNoCase(word, "bc") ||
           EqualsNoCase(word, "ad");
  }

  TextError Letters() {
    const size_t start = at_;
    const std::string_view word = While(IsLetter);
    const bool more = at_ < text_.size();
    if (more && !IsMark(word) &&
        (text_[at_] == '/' || text_[at_] == '_' ||
         ((text_[at_] == '-' || text_[at_] == '+') && !MonthNamed(word)))) {
      return NamedZone(start);
    }
    if (const auto month = MonthNamed(word)) {
      if (at_ < text_.size() && IsDateMark(text_[at_]) && DigitAfter(1)) {
        while (at_ < text_.size() && (IsDigit(text_[at_]) || IsDateMark(text_[at_]))) at_++;
        return Date(text_.substr(start, at_ - start));
      }
      if (Next('.')) at_++;
      if (month_by_name_ || day_known_) return TextError::kSyntax;
      if (MonthDone()) {
        // "17 Dec": the number before was the day.
        if (day_ >= 0) return TextError::kSyntax;
        day_ = month_;
      }
      month_by_name_ = true;
      month_ = *month;
      return TextError::kNone;
    }
    if (more && IsDigit(text_[at_])) {
      if (EqualsNoCase(word, "j")) {
        julian_ = true;
        return TextError::kNone;
      }
      if (EqualsNoCase(word, "t")) {
        if (time_set_ || (!DateDone() && kind_ != TextKind::kTime)) return TextError::kSyntax;
        time_follows_ = text_.find(':', at_) > at_ + 2;
        return TextError::kNone;
      }
      return NamedZone(start);
    }
    return Word(start, word);
  }

  TextError Word(size_t start, std::string_view word) {
    using Special = DatetimeText::Special;
    static constexpr std::pair<std::string_view, Special> kSpecials[] = {
        {"now", Special::kNow},
        {"today", Special::kToday},
        {"tomorrow", Special::kTomorrow},
        {"yesterday", Special::kYesterday},
        {"epoch", Special::kEpoch}};
    for (const auto& [name, special] : kSpecials) {
      if (!EqualsNoCase(word, name)) continue;
      if (DateDone() || out_.special != Special::kNone) return TextError::kSyntax;
      out_.special = special;
      return TextError::kNone;
    }
    if (EqualsNoCase(word, "am") || EqualsNoCase(word, "pm")) {
      if (half_ != 0) return TextError::kSyntax;
      half_ = word[0] == 'a' || word[0] == 'A' ? 'a' : 'p';
      return TextError::kNone;
    }
    if (EqualsNoCase(word, "bc") || EqualsNoCase(word, "ad")) {
      before_christ_ = word[0] == 'b' || word[0] == 'B';
      return TextError::kNone;
    }
    if (DayNamed(word)) {
      if (Next('.')) at_++;
      return TextError::kNone;
    }
    if (EqualsNoCase(word, "at") || EqualsNoCase(word, "on")) return TextError::kNone;
    if (EqualsNoCase(word, "z")) {
      if (out_.has_zone) return TextError::kSyntax;
      SetZone(0);
      return TextError::kNone;
    }
    return NamedZone(start);
  }

  TextError NamedZone(size_t start) {
    const auto of_name = [](char c) {
      return IsLetter(c) || IsDigit(c) || c == '/' || c == '_' || c == '-' || c == '+' || c == ':';
    };
    at_ = start;
    while (at_ < text_.size() && of_name(text_[at_])) at_++;
    const std::string_view name = text_.substr(start, at_ - start);
    if (out_.has_zone) return TextError::kSyntax;
    const bool simple = std::ranges::all_of(name, IsLetter);
    if (!time_set_ && !DateDone() && out_.special == DatetimeText::Special::kNone)
      return TextError::kSyntax;
    // Words that merely look wrong are a matter of syntax; only "a/b" is a name for certain.
    const auto zone = Zone::Find(context_, name);
    if (!zone)
      return simple || name.find('/') == std::string_view::npos ? TextError::kSyntax
                                                                : TextError::kUnknownZone;
    out_.has_zone = true;
    if (zone->fixed()) {
      out_.seconds_east = zone->SecondsEastAt(0);
    } else {
      out_.zone = zone;
    }
    return TextError::kNone;
  }

  TextError Finish() {
    if (julian_ || time_follows_) return TextError::kSyntax;
    if (out_.special != DatetimeText::Special::kNone) {
      if (MonthDone() || year_set_ || day_ >= 0) return TextError::kSyntax;
    }
    if (half_ != 0) {
      if (!time_set_) return TextError::kSyntax;
      if (hours_ > 12) return TextError::kFieldRange;
      if (hours_ == 12) hours_ = 0;
      if (half_ == 'p') hours_ += 12;
    }
    out_.has_time = time_set_;
    if (time_set_) out_.micros = hours_ * kMicrosPerHour + micros_;
    if (out_.special != DatetimeText::Special::kNone) return TextError::kNone;
    if (DateDone()) {
      const TextError error = FinishDate();
      if (error != TextError::kNone) return error;
    } else if (kind_ != TextKind::kTime || year_set_ || MonthDone() || day_ >= 0) {
      return TextError::kSyntax;
    }
    if (kind_ == TextKind::kTime && !time_set_) return TextError::kSyntax;
    return TextError::kNone;
  }

  TextError FinishDate() {
    out_.has_date = true;
    if (day_known_) {
      out_.day = day_number_;
      if (out_.day < kFirstDay || out_.day > kLastDay) return TextError::kFieldRange;
      return TextError::kNone;
    }
    int64_t year = year_;
    if (before_christ_) {
      if (year <= 0) return TextError::kFieldRange;
      year = 1 - year;
    } else if (two_digits_) {
      year += year < 70 ? 2000 : 1900;
    } else if (year <= 0) {
      return TextError::kFieldRange;
    }
    if (month_ < 1 || month_ > 12 || day_ < 1 || day_ > 31) return TextError::kFieldRange;
    if (year < -4712 || year > 294276) return TextError::kFieldRange;
    if (day_ > DaysInMonth(year, month_)) return TextError::kFieldRange;
    out_.day = DayNumber(year, month_, day_);
    if (day_of_year_ > 0) {
      if (day_of_year_ == 366 && !IsLeapYear(year)) return TextError::kFieldRange;
      out_.day += day_of_year_ - 1;
    }
    return out_.day > kLastDay || out_.day < kFirstDay ? TextError::kFieldRange : TextError::kNone;
  }

  std::string_view text_;
  TextKind kind_;
  duckdb::ClientContext* context_;
  DatetimeText& out_;
  size_t at_ = 0;
  int year_ = 0, month_ = -1, day_ = -1, day_of_year_ = 0;
  bool year_set_ = false, two_digits_ = false, month_by_name_ = false, before_christ_ = false;
  bool day_known_ = false;
  int64_t day_number_ = 0;
  bool time_set_ = false, time_follows_ = false, julian_ = false;
  int hours_ = 0;
  int64_t micros_ = 0;
  char half_ = 0;  // 'a' or 'p'
};

}  // namespace

int64_t DatetimeText::local() const { return InstantOf(day, micros); }

TextError ReadDatetime(std::string_view text, TextKind kind, duckdb::ClientContext* context,
                       DatetimeText& out) {
  if (text.size() > 256) return TextError::kSyntax;
  return Reader(text, kind, context, out).Read();
}

}  // namespace skep::worker
