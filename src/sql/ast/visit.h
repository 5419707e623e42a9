// Walking and comparing trees without knowing their kinds: all from the nodes' Fields.
// Nothing here recurses, so that a tree's depth costs memory and no stack.
#pragma once

#include <utility>
#include <vector>

#include "sql/ast/statement.h"

namespace skep::sql::ast {

// The nodes that hang from `node`, in the order of its fields. Appends to `children`.
void CollectChildren(const Node& node, std::vector<const Node*>& children);
// The names among its fields: those of lists, qualified names and aliases too.
void CollectNames(const Node& node, std::vector<const Name*>& names);

// Visits a tree in order. `pre` answers whether to go below the node; `post` is called behind
// everything below it, and only where `pre` said so.
template <class Pre, class Post>
void Walk(const Node& root, Pre&& pre, Post&& post) {
  struct Step {
    const Node* node;
    bool entered;
  };
  std::vector<Step> steps{{&root, false}};
  std::vector<const Node*> children;
  while (!steps.empty()) {
    const Step step = steps.back();
    steps.pop_back();
    if (step.entered) {
      post(*step.node);
      continue;
    }
    if (!pre(*step.node)) continue;
    steps.push_back({step.node, true});
    children.clear();
    CollectChildren(*step.node, children);
    for (size_t i = children.size(); i-- > 0;) steps.push_back({children[i], false});
  }
}
template <class Pre>
void Walk(const Node& root, Pre&& pre) {
  Walk(root, std::forward<Pre>(pre), [](const Node&) {});
}

// Whether two trees say the same, wherever they stand. A quoted name equals an unquoted one when
// its quotes make no difference.
bool Equal(const Node& left, const Node& right);

// Levels of the tree below and with `root`; stops counting at `limit`.
size_t DepthOf(const Node& root, size_t limit);

// The highest $n of a tree, names that are parameters (ParameterOf) included; 0 for none.
uint32_t HighestParameter(const Node& root);

}  // namespace skep::sql::ast
