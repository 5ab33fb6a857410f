#include "sink/smtp_verdict.h"

#include <algorithm>

#include <fmt/format.h>

#include "postrider/base/text.h"

namespace postrider::sink {

namespace {

constexpr std::size_t kMaxReplyShown = 256;

std::string in_words(const smtp::Reply& reply) {
    return fmt::format("{}{}{} {}", reply.code, reply.enhanced.empty() ? "" : " ", reply.enhanced,
                       escaped(reply.text, kMaxReplyShown));
}

/// Authentication or encryption demanded: no message will ever pass (design section 2).
bool is_misconfiguration(const smtp::Reply& reply) {
    return reply.code == 530 || reply.code == 535 || reply.code == 538;
}

Verdict verdict_of(const smtp::RecipientResult& result) {
    if (!result.reply) {
        return result.content_sent
                   ? Verdict{Outcome::ambiguous, 0, "", "no answer to the final dot"}
                   : Verdict{Outcome::later, 0, "", "no answer"};
    }
    const smtp::Reply& reply = *result.reply;
    Verdict verdict{Outcome::later, reply.code, reply.enhanced,
                    escaped(reply.text, kMaxReplyShown)};
    if (reply.is_positive() && result.stage == smtp::Stage::content) {
        verdict.outcome = Outcome::delivered;
    } else if (reply.is_permanent() && !is_misconfiguration(reply)) {
        verdict.outcome = Outcome::refused;
    }
    return verdict;
}

/// 421 speaks for the whole server, and a 4xx to MAIL comes before any recipient was named: no
/// room, no spare process, too much load. A 4xx later on is about this message or recipient.
std::optional<Error> fault_of(const smtp::RecipientResult& result) {
    if (!result.reply) {
        return std::nullopt;
    }
    const smtp::Reply& reply = *result.reply;
    if (is_misconfiguration(reply)) {
        return Error{Errc::refused, Retry::never,
                     fmt::format("the server demands authentication or TLS that this destination "
                                 "is not configured for (user and password, tls): {}",
                                 in_words(reply))};
    }
    if (reply.code == 421 || (result.stage == smtp::Stage::mail && reply.is_transient())) {
        return Error{Errc::busy, Retry::later,
                     fmt::format("the server takes no mail now: {}", in_words(reply))};
    }
    return std::nullopt;
}

}  // namespace

DeliveryReport report_of(const std::vector<smtp::RecipientResult>& results) {
    DeliveryReport report;
    report.verdicts.reserve(results.size());
    for (const smtp::RecipientResult& result : results) {
        report.verdicts.push_back(verdict_of(result));
        if (!report.fault) {
            report.fault = fault_of(result);
        }
    }
    return report;
}

DeliveryReport report_of_failure(const Error& why,
                                 const std::vector<smtp::RecipientResult>& results,
                                 std::size_t recipients) {
    DeliveryReport report = report_of(results);
    report.verdicts.resize(recipients);
    for (Verdict& verdict : report.verdicts) {
        if (verdict.code == 0) {
            verdict.text = why.text;
        }
    }
    const bool all_final =
        std::all_of(report.verdicts.begin(), report.verdicts.end(), [](const Verdict& verdict) {
            return verdict.outcome == Outcome::delivered || verdict.outcome == Outcome::refused;
        });
    if (!report.fault && !all_final) {
        report.fault = why;
    }
    // With 421 to MAIL the server says that it wants no message at all.
    const bool is_turned_away =
        std::any_of(results.begin(), results.end(), [](const smtp::RecipientResult& result) {
            return result.stage == smtp::Stage::mail && result.reply;
        });
    report.hung_up = !results.empty() && !all_final && !is_turned_away;
    return report;
}

Error session_error(const Error& error, const std::optional<smtp::Reply>& reply) {
    if (!reply) {
        return error;
    }
    Error told = error;
    if (is_misconfiguration(*reply) || reply->is_permanent()) {
        told.retry = Retry::never;
    } else if (reply->is_transient()) {
        told.retry = Retry::later;
    }
    return told;
}

}  // namespace postrider::sink
