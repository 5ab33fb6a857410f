#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/mark.h>

#include "config/document.h"

namespace postrider::config {

/// Makes a tree of Values out of the events of yaml-cpp's parser. Events, not its nodes: aliases
/// are seen here before anything could expand, and duplicate keys are not lost.
class TreeBuilder : public YAML::EventHandler {
  public:
    explicit TreeBuilder(std::uint32_t file) : file_(file) {}

    void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& text) override;
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value style) override;
    void OnSequenceEnd() override;
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value style) override;
    void OnMapEnd() override;

    /// What was built of the first document; the builder is spent.
    [[nodiscard]] Document take();

    [[nodiscard]] static Position position_of(const YAML::Mark& mark);

  private:
    /// A collection that is not closed yet.
    struct Open {
        Value value;
        bool has_key = false;     ///< of a map: the key is there, its value comes next
        bool is_key_text = true;  ///< if not, that is told, and the entry is dropped
        Entry entry;
    };

    [[nodiscard]] Value make(Value::Kind kind, const YAML::Mark& mark) const;
    void fault(const Position& position, std::string text);
    void check_plain(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor);
    void open(Value::Kind kind, const YAML::Mark& mark);
    void close();
    void add(Value value);
    static void mark_duplicates(Value& map);

    std::uint32_t file_;
    Document document_;
    std::vector<Open> open_;
    std::size_t too_deep_ = 0;  ///< collections open beyond kMaxDepth
    bool told_depth_ = false;
};

}  // namespace postrider::config
