#include "config/document.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "config/tree_builder.h"
#include "config/utf8.h"

namespace postrider::config {

namespace {

Document unreadable(const Position& position, std::string text) {
    Document document;
    document.is_readable = false;
    document.faults.push_back({position, std::move(text)});
    return document;
}

Position position_at(std::string_view text, std::size_t offset) {
    const std::string_view before = text.substr(0, offset);
    const auto lines = std::count(before.begin(), before.end(), '\n');
    const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 == 0: the first line
    return {static_cast<std::uint32_t>(lines) + 1,
            static_cast<std::uint32_t>(offset - line_start) + 1};
}

/// Has the parser seen a second document? It may hold anything, so its events are dropped.
bool has_another_document(YAML::Parser& parser, Position& position) {
    class Probe : public TreeBuilder {
      public:
        explicit Probe(Position& start) : TreeBuilder(0), start_(start) {}
        void OnDocumentStart(const YAML::Mark& mark) override { start_ = position_of(mark); }

      private:
        Position& start_;
    };
    Probe probe(position);
    return parser.HandleNextDocument(probe);
}

Document parse(std::istream& stream, std::uint32_t file) {
    TreeBuilder builder(file);
    try {
        YAML::Parser parser(stream);
        parser.HandleNextDocument(builder);
        Position second;
        if (has_another_document(parser, second)) {
            return unreadable(second, "a second YAML document begins here; only one is read");
        }
    } catch (const YAML::Exception& error) {
        Document partial = builder.take();
        if (!partial.faults.empty()) {
            // An alias, or too deep a nest, that yaml-cpp then stumbled over: our words are better.
            partial.is_readable = false;
            return partial;
        }
        // Behind a colon yaml-cpp quotes the text, which may be of a password.
        const std::string reason = error.msg.substr(0, error.msg.find(':'));
        return unreadable(TreeBuilder::position_of(error.mark), "this is not YAML: " + reason);
    }
    return builder.take();
}

}  // namespace

const Entry* Value::find(std::string_view key) const {
    const auto found = std::find_if(entries.begin(), entries.end(),
                                    [key](const Entry& entry) { return entry.key == key; });
    return found == entries.end() ? nullptr : &*found;
}

Document parse_document(std::string text, std::uint32_t file) {
    if (const auto offset = find_non_text(text)) {
        const Position position = position_at(text, *offset);
        wipe(text);
        return unreadable(position, "an octet that is not UTF-8 text, or a control character");
    }
    std::istringstream stream(std::move(text));
    Document document = parse(stream, file);
    std::string spent = std::move(stream).str();
    wipe(spent);
    return document;
}

}  // namespace postrider::config
