#include "config/command_line.h"

#include <utility>

namespace postrider::config {

void read_command_line(Reader& reader, const Value& value, std::vector<std::string>& into) {
    into.clear();
    if (!reader.expect_list(value)) {
        return;
    }
    if (value.items.empty()) {
        reader.report(value, "needs at least the program to run");
    }
    for (std::size_t i = 0; i < value.items.size(); ++i) {
        const Reader::Scope scope = reader.enter(i);
        const Value& item = value.items[i];
        const auto text = reader.scalar(item);
        if (!text) {
            continue;
        }
        std::string word(*text);
        if (word.find('\0') != std::string::npos) {
            reader.report(item, "an argument cannot hold a NUL");
        } else if (i == 0 && word.find('/') != std::string::npos) {
            reader.path(item, word);
        } else if (i == 0) {
            reader.text(item, word);
        }
        into.push_back(std::move(word));
    }
}

}  // namespace postrider::config
