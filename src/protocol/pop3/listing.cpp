#include "protocol/pop3/listing.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "postrider/base/text.h"

namespace postrider::pop3 {

namespace {

tl::unexpected<Error> botched(std::string_view command, std::string_view why) {
    return failure(Errc::protocol, Retry::later,
                   fmt::format("the answer to {} cannot be used: {}", command, why));
}

tl::unexpected<Error> too_many() {
    return failure(Errc::limit, Retry::later,
                   fmt::format("the mailbox lists more than {} messages", kMaxMessages));
}

/// Takes the message number off the front of `line`, and an "+OK" before it.
Expected<std::uint32_t> take_number(std::string_view command, std::string_view& line) {
    std::string_view word = next_word(line);
    if (iequals(word, "+OK")) {
        word = next_word(line);
    }
    const bool is_decimal = !word.empty() && word.find_first_not_of("0123456789") == word.npos;
    if (!is_decimal) {
        return botched(command, "a line has no message number");
    }
    // Numbers run from 1 to the count (RFC 1939 section 5): one over the limit is a count over it.
    const auto number = parse_unsigned(word);
    if (!number || *number > kMaxMessages) {
        return too_many();
    }
    if (*number == 0) {
        return botched(command, "a message has the number 0");
    }
    return static_cast<std::uint32_t>(*number);
}

/// Sorts by number. Returns a number that occurs twice, or 0.
template <class Line>
std::uint32_t sort_by_number(std::vector<Line>& lines) {
    const auto before = [](const Line& a, const Line& b) { return a.number < b.number; };
    if (!std::is_sorted(lines.begin(), lines.end(), before)) {
        std::sort(lines.begin(), lines.end(), before);
    }
    const auto twice =
        std::adjacent_find(lines.begin(), lines.end(),
                           [](const Line& a, const Line& b) { return a.number == b.number; });
    return twice == lines.end() ? 0 : twice->number;
}

tl::unexpected<Error> listed_twice(std::string_view command, std::uint32_t number) {
    return failure(
        Errc::protocol, Retry::later,
        fmt::format("the answer to {} cannot be used: it names message {} twice", command, number));
}

}  // namespace

Expected<void> ListingReader::add_uid(std::string_view line) {
    if (++uid_lines_ > kMaxMessages) {
        return too_many();
    }
    // A UID with such an octet could not be told from another after a careless hand cut it.
    if (line.find('\0') != line.npos || line.find('\r') != line.npos) {
        return {};
    }
    auto number = take_number("UIDL", line);
    if (!number) {
        return failure(std::move(number).error());
    }
    const std::string_view uid = trimmed(line);
    uid_octets_ += uid.size();
    if (uid.size() > kMaxUid || uid_octets_ > kMaxUidOctets) {
        return failure(Errc::limit, Retry::later,
                       fmt::format("the UID of message {} has more than {} octets, or all of them "
                                   "together more than {}",
                                   *number, kMaxUid, kMaxUidOctets));
    }
    uids_.push_back({*number, std::string(uid)});
    return {};
}

Expected<void> ListingReader::add_size(std::string_view line) {
    if (sizes_.size() == kMaxMessages) {
        return too_many();
    }
    auto number = take_number("LIST", line);
    if (!number) {
        return failure(std::move(number).error());
    }
    const auto octets = parse_unsigned(next_word(line));
    if (!octets) {
        return botched("LIST", "a line has no size");
    }
    sizes_.push_back({*number, *octets});
    return {};
}

Expected<std::vector<Listed>> ListingReader::join() {
    auto uids = std::exchange(uids_, {});
    auto sizes = std::exchange(sizes_, {});
    if (const auto number = sort_by_number(uids); number != 0) {
        return listed_twice("UIDL", number);
    }
    if (const auto number = sort_by_number(sizes); number != 0) {
        return listed_twice("LIST", number);
    }
    std::vector<Listed> joined;
    joined.reserve(std::min(uids.size(), sizes.size()));
    auto size = sizes.begin();
    for (auto& uid : uids) {
        size = std::find_if(size, sizes.end(),
                            [&uid](const Size& s) { return s.number >= uid.number; });
        if (size != sizes.end() && size->number == uid.number) {
            joined.push_back({uid.number, size->octets, std::move(uid.text)});
        }
    }
    return joined;
}

Expected<std::vector<Listed>> ListingReader::sizes_alone() {
    auto sizes = std::exchange(sizes_, {});
    if (const auto number = sort_by_number(sizes); number != 0) {
        return listed_twice("LIST", number);
    }
    std::vector<Listed> listed;
    listed.reserve(sizes.size());
    for (const Size& size : sizes) {
        listed.push_back({size.number, size.octets, {}});
    }
    return listed;
}

}  // namespace postrider::pop3
