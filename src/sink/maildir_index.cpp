#include "sink/maildir_index.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "postrider/base/assert.h"
#include "postrider/base/files.h"

namespace postrider::sink {

namespace {

constexpr std::size_t kIdDigits = 32;
constexpr std::string_view kOurs = ".postrider";

std::optional<std::uint64_t> first_half(std::string_view id) {
    const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    if (id.size() != kIdDigits || !std::all_of(id.begin(), id.end(), is_digit)) {
        return std::nullopt;
    }
    std::uint64_t number = 0;
    std::from_chars(id.data(), id.data() + kIdDigits / 2, number, 16);
    return number;
}

Expected<std::vector<std::uint64_t>> look_through(int maildir, const std::string& path) {
    std::vector<std::uint64_t> ids;
    for (const char* const directory : {"new", "cur"}) {
        const auto names = names_in(maildir, directory, "cannot look through " + path);
        if (!names) {
            return failure(names.error());
        }
        for (const std::string& name : *names) {
            if (const auto id = id_in_maildir_name(name)) {
                ids.push_back(*id);
            }
        }
    }
    std::sort(ids.begin(), ids.end());
    return ids;
}

}  // namespace

Expected<bool> MaildirIndex::contains(int maildir, const std::string& path,
                                      const std::string& delivery_id) {
    const auto id = first_half(delivery_id);
    POSTRIDER_ASSERT(id);
    const auto is_in = [&id](const Known& known) {
        return std::binary_search(known.ids.begin(), known.ids.end(), *id);
    };
    {
        const std::lock_guard lock(mutex_);
        if (const auto found = known_.find(path); found != known_.end()) {
            found->second.last_used = ++uses_;
            return is_in(found->second);
        }
    }
    auto ids = look_through(maildir, path);
    if (!ids) {
        return failure(ids.error());
    }
    const std::lock_guard lock(mutex_);
    const auto [entry, is_new] = known_.try_emplace(path);
    if (is_new) {
        remembered_ += ids->size();
        entry->second.ids = std::move(*ids);
    }
    entry->second.last_used = ++uses_;
    const bool result = is_in(entry->second);
    forget_some(path);
    return result;
}

void MaildirIndex::add(const std::string& path, const std::string& delivery_id) {
    const auto id = first_half(delivery_id);
    POSTRIDER_ASSERT(id);
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(path);
    if (found == known_.end()) {
        return;  // forgotten meanwhile: it is looked through again before it is relied on
    }
    std::vector<std::uint64_t>& ids = found->second.ids;
    ids.insert(std::lower_bound(ids.begin(), ids.end(), *id), *id);
    ++remembered_;
    forget_some(path);
}

void MaildirIndex::forget_some(const std::string& except) {
    while (remembered_ > limit_ && known_.size() > 1) {
        const auto oldest =
            std::min_element(known_.begin(), known_.end(), [&except](const auto& a, const auto& b) {
                return b.first == except ||
                       (a.first != except && a.second.last_used < b.second.last_used);
            });
        remembered_ -= oldest->second.ids.size();
        known_.erase(oldest);
    }
}

std::string maildir_name(std::int64_t seconds, std::string_view delivery_id) {
    return fmt::format("{}.{}{}", std::max<std::int64_t>(seconds, 0), delivery_id, kOurs);
}

std::optional<std::uint64_t> id_in_maildir_name(std::string_view name) {
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos) {
        return std::nullopt;
    }
    name.remove_prefix(dot + 1);
    const std::string_view id = name.substr(0, kIdDigits);
    name.remove_prefix(id.size());
    if (!name.starts_with(kOurs)) {
        return std::nullopt;
    }
    name.remove_prefix(kOurs.size());
    const bool ends_there = name.empty() || name.front() == ':' || name.front() == ',' ||
                            name.front() == ';' || name.front() == '!';
    return ends_there ? first_half(id) : std::nullopt;
}

}  // namespace postrider::sink
