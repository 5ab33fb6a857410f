#include "app/commands/held_view.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "postrider/base/text.h"

namespace postrider::app {

namespace {

constexpr std::string_view kNoEnvelope = "its envelope is gone: export it and deliver it by hand";

std::string recipients_text(const mail::Envelope& envelope) {
    std::string text;
    for (const mail::Address& recipient : envelope.recipients) {
        text += (text.empty() ? "" : ", ") + escaped(recipient.text());
    }
    return text.empty() ? "somebody" : text;
}

std::string refusal_text(const store::HeldRefusal& refusal) {
    const store::HeldMessage& what = refusal.what;
    return fmt::format("for {} at {}: {}{}", recipients_text(what.envelope), what.destination,
                       what.reason,
                       what.retries == 0 ? "" : fmt::format(" (retried {})", what.retries));
}

Expected<const store::HeldCopy*> find(const std::vector<store::HeldCopy>& copies,
                                      const std::string& id) {
    std::vector<const store::HeldCopy*> found;
    for (const store::HeldCopy& copy : copies) {
        if (copy.id == id) {
            return &copy;
        }
        if (id.size() >= kShortestId && copy.id.starts_with(id)) {
            found.push_back(&copy);
        }
    }
    if (found.size() > 1) {
        return failure(Errc::config, Retry::never,
                       fmt::format("{} held messages begin with {}", found.size(), escaped(id)));
    }
    if (found.empty()) {
        return failure(
            Errc::config, Retry::never,
            fmt::format("no held message {}: `postrider held list` shows them", escaped(id)));
    }
    return found.front();
}

bool is_older(const store::HeldCopy& copy, Duration age, WallTime now) {
    return !copy.refusals.empty() && std::all_of(copy.refusals.begin(), copy.refusals.end(),
                                                 [&](const store::HeldRefusal& refusal) {
                                                     return now - refusal.what.held_at > age;
                                                 });
}

}  // namespace

Expected<std::vector<store::HeldCopy>> chosen(const std::vector<store::HeldCopy>& copies,
                                              const HeldLine& line, WallTime now) {
    std::vector<std::string> ids;
    for (const std::string& id : line.ids) {
        const auto found = find(copies, id);
        if (!found) {
            return failure(found.error());
        }
        ids.push_back((*found)->id);
    }
    std::vector<store::HeldCopy> meant;
    std::copy_if(copies.begin(), copies.end(), std::back_inserter(meant),
                 [&](const store::HeldCopy& copy) {
                     return line.all || std::find(ids.begin(), ids.end(), copy.id) != ids.end() ||
                            (line.older_than && is_older(copy, *line.older_than, now));
                 });
    return meant;
}

std::string list_text(const store::HeldCopy& copy) {
    if (copy.refusals.empty()) {
        return fmt::format("{}  {}  {}", escaped(copy.id), human_bytes(copy.size), kNoEnvelope);
    }
    const store::HeldMessage& first = copy.refusals.front().what;
    std::string text = fmt::format("{}  {}  {}  {}", copy.id, iso8601(first.held_at), first.account,
                                   human_bytes(copy.size));
    for (const store::HeldRefusal& refusal : copy.refusals) {
        text += (&refusal == &copy.refusals.front() ? "  " : "; ") + refusal_text(refusal);
    }
    return text;
}

std::string list_text(const HeldRemotely& message) {
    return fmt::format("(on the server only)  {}  {}  {}  uid {}: {}",
                       iso8601(message.record.first_seen), message.account,
                       human_bytes(message.record.listed_size), escaped(message.record.key.uid),
                       message.record.note);
}

std::string show_text(const store::HeldCopy& copy, const std::string& head) {
    std::string text =
        fmt::format("id        {}\nsize      {}\n", escaped(copy.id), human_bytes(copy.size));
    if (copy.refusals.empty()) {
        text += fmt::format("          {}\n", kNoEnvelope);
    } else {
        const store::HeldMessage& first = copy.refusals.front().what;
        text += fmt::format("account   {}\nuid       {}\nsender    {}\n", first.account,
                            escaped(first.uid),
                            first.envelope.sender ? escaped(first.envelope.sender->text()) : "<>");
    }
    for (const store::HeldRefusal& refusal : copy.refusals) {
        text +=
            fmt::format("held      {} {}\n", iso8601(refusal.what.held_at), refusal_text(refusal));
    }
    for (const std::string& line : header_lines(head)) {
        text += "\n  " + line;
    }
    return text;
}

std::vector<std::string> header_lines(const std::string& head) {
    std::vector<std::string> lines;
    std::string_view rest = head;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        std::string_view line = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        if (line.empty()) {
            break;
        }
        lines.push_back(escaped(line, line.size()));
    }
    return lines;
}

}  // namespace postrider::app
