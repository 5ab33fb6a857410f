#include "config/tree_builder.h"

#include <string_view>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "postrider/config/load.h"

namespace postrider::config {

Position TreeBuilder::position_of(const YAML::Mark& mark) {
    if (mark.is_null()) {
        return {};
    }
    return {static_cast<std::uint32_t>(mark.line) + 1, static_cast<std::uint32_t>(mark.column) + 1};
}

Value TreeBuilder::make(Value::Kind kind, const YAML::Mark& mark) const {
    Value value;
    value.kind = kind;
    value.file = file_;
    value.position = position_of(mark);
    return value;
}

void TreeBuilder::fault(const Position& position, std::string text) {
    document_.faults.push_back({position, std::move(text)});
}

void TreeBuilder::check_plain(const YAML::Mark& mark, const std::string& tag,
                              YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) {
        fault(position_of(mark), "anchors (&) are not allowed; quote text that begins with &");
    }
    // yaml-cpp gives "?" to what has no tag, "!" to quoted text.
    if (!tag.empty() && tag != "?" && tag != "!") {
        fault(position_of(mark), "tags (!) are not allowed; quote text that begins with !");
    }
}

void TreeBuilder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
    check_plain(mark, {}, anchor);
    add(make(Value::Kind::null, mark));
}

void TreeBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) {
    fault(position_of(mark), "aliases (*) are not allowed; quote text that begins with *");
    add(make(Value::Kind::unusable, mark));
}

void TreeBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                           const std::string& text) {
    check_plain(mark, tag, anchor);
    Value value = make(Value::Kind::scalar, mark);
    value.text = Secret(text);
    add(std::move(value));
}

void TreeBuilder::OnSequenceStart(const YAML::Mark& mark, const std::string& tag,
                                  YAML::anchor_t anchor, YAML::EmitterStyle::value /*style*/) {
    check_plain(mark, tag, anchor);
    open(Value::Kind::list, mark);
}

void TreeBuilder::OnSequenceEnd() {
    close();
}

void TreeBuilder::OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                             YAML::EmitterStyle::value /*style*/) {
    check_plain(mark, tag, anchor);
    open(Value::Kind::map, mark);
}

void TreeBuilder::OnMapEnd() {
    close();
}

void TreeBuilder::open(Value::Kind kind, const YAML::Mark& mark) {
    if (open_.size() < kMaxDepth) {
        Open opened;
        opened.value = make(kind, mark);
        open_.push_back(std::move(opened));
        return;
    }
    if (!told_depth_) {
        fault(position_of(mark),
              fmt::format("more than {} lists and maps within each other", kMaxDepth));
        told_depth_ = true;
    }
    if (too_deep_ == 0) {
        add(make(Value::Kind::unusable, mark));
    }
    ++too_deep_;
}

void TreeBuilder::close() {
    if (too_deep_ > 0) {
        --too_deep_;
        return;
    }
    Value value = std::move(open_.back().value);
    open_.pop_back();
    if (value.kind == Value::Kind::map) {
        mark_duplicates(value);
    }
    add(std::move(value));
}

void TreeBuilder::add(Value value) {
    if (too_deep_ > 0) {
        return;
    }
    if (open_.empty()) {
        document_.root = std::move(value);
        return;
    }
    Open& parent = open_.back();
    if (parent.value.kind == Value::Kind::list) {
        parent.value.items.push_back(std::move(value));
    } else if (parent.has_key) {
        parent.entry.value = std::move(value);
        if (parent.is_key_text) {
            parent.value.entries.push_back(std::move(parent.entry));
        }
        parent.entry = {};
        parent.has_key = false;
    } else {
        parent.is_key_text = value.kind == Value::Kind::scalar;
        if (parent.is_key_text) {
            parent.entry.key = std::string(value.text.reveal());
        } else if (value.kind != Value::Kind::unusable) {
            fault(value.position, "a key must be text");
        }
        parent.entry.position = value.position;
        parent.has_key = true;
    }
}

void TreeBuilder::mark_duplicates(Value& map) {
    std::unordered_map<std::string_view, Position> seen;
    for (Entry& entry : map.entries) {
        const auto [first, is_new] = seen.try_emplace(entry.key, entry.position);
        if (!is_new) {
            entry.earlier = first->second;
        }
    }
}

Document TreeBuilder::take() {
    return std::move(document_);
}

}  // namespace postrider::config
