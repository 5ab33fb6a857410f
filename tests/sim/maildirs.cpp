#include "sim/maildirs.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "sim/mail.h"

namespace postrider::sim {

namespace {

/// With CRLF, whichever it has.
std::string with_crlf(const std::string& text) {
    if (text.find("\r\n") != std::string::npos) {
        return text;
    }
    std::string out;
    for (const char c : text) {
        out += c == '\n' ? "\r\n" : std::string(1, c);
    }
    return out;
}

/// What a Maildir is told on top of it.
std::string_view without_envelope(std::string_view text) {
    while (text.starts_with("Return-Path: ") || text.starts_with("Delivered-To: ")) {
        text.remove_prefix(std::min(text.find("\r\n"), text.size() - 2) + 2);
    }
    return text;
}

std::optional<Maildirs::Filed> read(const std::string& path, const std::string& content) {
    const std::string text = with_crlf(content);
    const auto delivered = without_own_header(without_envelope(text));
    const auto id = id_of(text);
    if (!delivered || !id) {
        return std::nullopt;
    }
    return Maildirs::Filed{path, *id, std::string(delivered->delivery_id),
                           std::string(delivered->rest)};
}

}  // namespace

std::vector<Maildirs::Filed> Maildirs::look(const std::function<void(const std::string&)>& wrong) {
    std::vector<Filed> filed;
    for (const std::string& path : paths_) {
        std::set<std::string>& known = known_[path];
        const std::vector<std::string> now = disk_.durable_names(path + "/new");
        const std::set<std::string> names(now.begin(), now.end());
        if (!std::includes(names.begin(), names.end(), known.begin(), known.end())) {
            wrong(fmt::format("a message has left {}", path));
        }
        for (const std::string& name : names) {
            if (!known.insert(name).second) {
                continue;
            }
            auto one = read(path, disk_.durable(path + "/new/" + name).value_or(""));
            if (one) {
                filed.push_back(*std::move(one));
            } else {
                wrong(fmt::format("{}/new/{} is not what was sent", path, name));
            }
        }
    }
    return filed;
}

}  // namespace postrider::sim
