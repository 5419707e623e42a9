#include "sql/print/redact.h"

#include <algorithm>
#include <vector>

#include "sql/ast/visit.h"
#include "sql/parse/script.h"

namespace skep::sql {
using namespace ast;

namespace {

constexpr std::string_view kBlanked = "'***'";

constexpr std::string_view kAnnouncing[] = {
    "password", "credentials", "access_key_id",        "secret_access_key", "session_token",
    "token",    "secret_arn",  "master_symmetric_key", "parameters"};

// What such a word ends with within a literal: its value stands behind a '='.
constexpr std::string_view kAssigned[] = {"secret_access_key", "session_token", "symmetric_key"};

bool IsSecretCharacter(char c) { return c > ' ' && c != '\'' && c != ';' && c != ','; }

bool IsWord(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool SameWord(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
  });
}

// Behind the literal at `at`, or the end of the text when it does not end.
size_t BehindLiteral(std::string_view text, size_t at) {
  if (text[at] == '$') {
    const size_t tag = text.find('$', at + 1);
    if (tag == std::string_view::npos) return text.size();
    const std::string_view mark = text.substr(at, tag + 1 - at);
    const size_t close = text.find(mark, tag + 1);
    return close == std::string_view::npos ? text.size() : close + mark.size();
  }
  size_t i = at + 1;
  while (i < text.size()) {
    if (text[i] == '\\') {
      i += 2;
    } else if (text[i] == '\'' && i + 1 < text.size() && text[i + 1] == '\'') {
      i += 2;
    } else if (text[i] == '\'') {
      return i + 1;
    } else {
      i++;
    }
  }
  return text.size();
}

}  // namespace

std::string RedactText(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool secret = false;  // the next literal
  size_t i = 0;
  while (i < text.size()) {
    const char c = text[i];
    if (c == '-' && i + 1 < text.size() && text[i + 1] == '-') {
      const size_t end = std::min(text.find_first_of("\r\n", i), text.size());
      out += text.substr(i, end - i);
      i = end;
    } else if (c == '\'') {
      // Within a string that is SQL itself quotes are doubled: '' opens a literal there.
      const bool doubled = i + 1 < text.size() && text[i + 1] == '\'' && secret;
      if (doubled && i + 2 < text.size() && text[i + 2] != ' ' && text[i + 2] != ';') {
        const size_t close = text.find("''", i + 2);
        const size_t end = close == std::string_view::npos ? text.size() : close + 2;
        out += "''***''";
        i = end;
        secret = false;
        continue;
      }
      if (secret) {
        out += kBlanked;
        i = BehindLiteral(text, i);
        secret = false;
      } else {
        out += c;
        i++;
      }
    } else if (c == '$' && secret && i + 1 < text.size() &&
               !(text[i + 1] >= '0' && text[i + 1] <= '9')) {
      out += kBlanked;
      i = BehindLiteral(text, i);
      secret = false;
    } else if (IsWord(c)) {
      size_t end = i;
      while (end < text.size() && IsWord(text[end])) end++;
      const std::string_view word = text.substr(i, end - i);
      const bool announcing = std::ranges::any_of(
          kAnnouncing, [&](std::string_view known) { return SameWord(word, known); });
      // AS, E and the like may stand between the word and its literal.
      if (announcing)
        secret = true;
      else if (secret && word.size() > 2 && !SameWord(word, "disable"))
        secret = false;
      if (word.size() == 20 && (word.starts_with("AKIA") || word.starts_with("ASIA")))
        out += "***";
      else
        out += word;
      i = end;
      // 'aws_secret_access_key=...' that no CREDENTIALS stands before.
      const bool assigned = std::ranges::any_of(kAssigned, [&](std::string_view known) {
        return word.size() >= known.size() &&
               SameWord(word.substr(word.size() - known.size()), known);
      });
      if (assigned && i + 1 < text.size() && text[i] == '=' && IsSecretCharacter(text[i + 1])) {
        out += "=***";
        for (i++; i < text.size() && IsSecretCharacter(text[i]);) i++;
      }
    } else {
      // aws_secret_access_key=...;  within a literal that holds CREDENTIALS
      if (c != '=' && c != ' ' && c != '\t' && c != '\n' && c != '\r') secret = false;
      out += c;
      i++;
    }
  }
  return out;
}

std::string Redact(const Statement& statement, std::string_view text) {
  struct Place {
    size_t begin, end;
    bool secret;
  };
  std::vector<Place> places;
  Walk(statement, [&](const Node& node) {
    const auto place = [&](const Value* value, bool secret) {
      if (!value || value->begin < statement.begin) return;
      const size_t begin = value->begin - statement.begin, end = value->end - statement.begin;
      if (end <= text.size() && begin < end) places.push_back({begin, end, secret});
    };
    if (const auto* value = As<Value>(&node);
        value && value->secret && value->form != ValueForm::kWord)
      place(value, true);
    if (const auto* function = As<CreateFunction>(&node)) place(function->body, false);
    if (const auto* procedure = As<CreateProcedure>(&node)) place(procedure->body, false);
    return true;
  });
  std::ranges::sort(places, {}, &Place::begin);
  std::string out;
  size_t at = 0;
  for (const Place& place : places) {
    if (place.begin < at) continue;
    out += text.substr(at, place.begin - at);
    if (place.secret)
      out += kBlanked;
    else
      out += RedactText(text.substr(place.begin, place.end - place.begin));
    at = place.end;
  }
  out += text.substr(at);
  return out;
}

std::string RedactScript(std::string_view script) {
  std::string out;
  size_t at = 0;
  for (const ParsedStatement& one : ParseWholeScript(script).statements) {
    out += RedactText(script.substr(at, one.offset - at));
    out += one.tree ? Redact(*one.tree, one.text) : RedactText(one.text);
    at = one.offset + one.text.size();
  }
  return out + RedactText(script.substr(at));
}

}  // namespace skep::sql
