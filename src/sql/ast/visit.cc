#include "sql/ast/visit.h"

#include <algorithm>
#include <type_traits>

#include "sql/ast/dispatch.h"
#include "sql/ast/names.h"

namespace skep::sql::ast {
namespace {

template <class T>
constexpr bool kIsList = false;
template <class T>
constexpr bool kIsList<List<T>> = true;

template <class T>
constexpr bool kIsNodePointer =
    std::is_pointer_v<T> && std::is_base_of_v<Node, std::remove_pointer_t<T>>;

template <class T>
concept HasFields = requires(const T& value) { T::Fields(value); };

// Calls `on_node` and `on_name` for what a field holds.
template <class T, class OnNode, class OnName>
void Unfold(const T& field, OnNode& on_node, OnName& on_name) {
  if constexpr (kIsNodePointer<T>) {
    if (field) on_node(*field);
  } else if constexpr (std::is_same_v<T, Name>) {
    if (field) on_name(field);
  } else if constexpr (std::is_same_v<T, std::string_view>) {
  } else if constexpr (kIsList<T>) {
    for (const auto& item : field) Unfold(item, on_node, on_name);
  } else if constexpr (HasFields<T>) {
    std::apply([&](const auto&... parts) { (Unfold(parts, on_node, on_name), ...); },
               T::Fields(field));
  }
}

template <class OnNode, class OnName>
void UnfoldNode(const Node& node, OnNode on_node, OnName on_name) {
  Dispatch(node, [&](const auto& typed) {
    std::apply([&](const auto&... fields) { (Unfold(fields, on_node, on_name), ...); },
               std::remove_cvref_t<decltype(typed)>::Fields(typed));
  });
}

using Pairs = std::vector<std::pair<const Node*, const Node*>>;

// Compares what is no node and puts aside pairs of nodes.
template <class T>
bool Same(const T& left, const T& right, Pairs& later) {
  if constexpr (kIsNodePointer<T>) {
    if (!left || !right) return !left && !right;
    later.emplace_back(left, right);
    return true;
  } else if constexpr (std::is_same_v<T, Name>) {
    if (static_cast<bool>(left) != static_cast<bool>(right)) return false;
    return left.text == right.text && (left.quoted == right.quoted || !NeedsQuotes(left.text));
  } else if constexpr (std::is_same_v<T, std::string_view>) {
    return left == right;
  } else if constexpr (kIsList<T>) {
    if (left.size() != right.size()) return false;
    for (size_t i = 0; i < left.size(); i++) {
      if (!Same(left[i], right[i], later)) return false;
    }
    return true;
  } else if constexpr (HasFields<T>) {
    const auto a = T::Fields(left), b = T::Fields(right);
    return [&]<size_t... I>(std::index_sequence<I...>) {
      return (... && Same(std::get<I>(a), std::get<I>(b), later));
    }(std::make_index_sequence<std::tuple_size_v<decltype(a)>>());
  } else {
    return left == right;
  }
}

}  // namespace

void CollectChildren(const Node& node, std::vector<const Node*>& children) {
  UnfoldNode(node, [&](const Node& child) { children.push_back(&child); }, [](const Name&) {});
}

void CollectNames(const Node& node, std::vector<const Name*>& names) {
  UnfoldNode(node, [](const Node&) {}, [&](const Name& name) { names.push_back(&name); });
}

bool Equal(const Node& left, const Node& right) {
  Pairs pairs{{&left, &right}};
  while (!pairs.empty()) {
    const auto [a, b] = pairs.back();
    pairs.pop_back();
    if (a->kind != b->kind) return false;
    const bool same = Dispatch(*a, [&, other = b](const auto& typed) {
      using T = std::remove_cvref_t<decltype(typed)>;
      const auto x = T::Fields(typed), y = T::Fields(static_cast<const T&>(*other));
      return [&]<size_t... I>(std::index_sequence<I...>) {
        return (... && Same(std::get<I>(x), std::get<I>(y), pairs));
      }(std::make_index_sequence<std::tuple_size_v<decltype(x)>>());
    });
    if (!same) return false;
  }
  return true;
}

size_t DepthOf(const Node& root, size_t limit) {
  std::vector<const Node*> level{&root}, next;
  size_t depth = 0;
  while (!level.empty() && depth < limit) {
    depth++;
    next.clear();
    for (const Node* node : level) CollectChildren(*node, next);
    level.swap(next);
  }
  return depth;
}

uint32_t HighestParameter(const Node& root) {
  uint32_t highest = 0;
  std::vector<const Name*> names;
  Walk(root, [&](const Node& node) {
    if (const auto* parameter = As<Parameter>(&node))
      highest = std::max(highest, parameter->number);
    if (const auto* value = As<Value>(&node); value && value->form == ValueForm::kParameter) {
      uint32_t number = 0;
      for (const char c : value->text) number = number * 10 + static_cast<uint32_t>(c - '0');
      highest = std::max(highest, number);
    }
    names.clear();
    CollectNames(node, names);
    for (const Name* name : names) highest = std::max(highest, ParameterOf(*name));
    return true;
  });
  return highest;
}

}  // namespace skep::sql::ast
