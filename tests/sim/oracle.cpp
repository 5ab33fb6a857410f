#include "sim/oracle.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "postrider/base/text.h"
#include "postrider/engine/plan.h"

namespace postrider::sim {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view kState = "/sim/state";

/// What the ledger may lose of its last group commit (I5): its wait, and its turns.
constexpr Duration kGroupCommit = 10ms + 25ms;

/// I7, with what the listing itself takes.
constexpr Duration kForgetAfter = 24h - 1min;

bool is_settled(const store::MessageRecord& record, const Goal& goal, bool is_first) {
    switch (record.phase) {
        case store::Phase::delivered:
        case store::Phase::deleting:
        case store::Phase::gone:
        case store::Phase::held:
            return true;
        case store::Phase::seen:
        case store::Phase::skipped:
            break;
    }
    const auto knows = [&](const std::string& name) {
        return std::find(record.settled_recipients.begin(), record.settled_recipients.end(),
                         name) != record.settled_recipients.end();
    };
    const std::size_t blank = goal.find(' ');
    return knows(goal) || knows(goal.substr(0, blank + 1)) ||
           (is_first && knows(goal.substr(blank + 1)));
}

/// Behind these even the X-Postrider-Id is another.
bool is_other_id(std::optional<Excuse> excuse) {
    return excuse == Excuse::new_identity || excuse == Excuse::ledger_lost;
}

/// Behind these nothing is known of an earlier delivery, not even that there may have been one.
bool is_unknown(std::optional<Excuse> excuse) {
    return is_other_id(excuse) || excuse == Excuse::forgotten;
}

}  // namespace

Oracle::Oracle(const test::SimLoop& loop, const Disk& disk, Trace& trace)
    : loop_(loop), disk_(disk), trace_(trace), reader_(loop), maildirs_(disk) {}

void Oracle::add_account(AccountFacts facts) {
    for (const auto& [goal, path] : facts.maildirs) {
        maildirs_.add(path);
    }
    accounts_.push_back(std::move(facts));
}

void Oracle::on_reload(std::size_t account, const engine::AccountPolicy& policy, bool is_polling) {
    AccountFacts& facts = accounts_.at(account);
    // A poll of a process that is gone: what it has sent may still be on its way.
    if (is_polling && !(facts.policy_before && facts.is_polling)) {
        facts.policy_before = facts.policy;
        facts.is_polling = true;
    }
    facts.policy = policy;
}

void Oracle::violated(std::string_view invariant, const std::string& what) {
    if (!violation_) {
        violation_ = fmt::format("{}: {}", invariant, what);
        trace_("VIOLATED {}", *violation_);
    }
}

std::uint64_t Oracle::on_arrived(std::size_t account, const SampleMail& sample) {
    const std::uint64_t id = id_of(sample.octets).value_or(0);
    Mail& mail = mails_[id];
    mail.account = account;
    mail.sample = sample;
    for (const std::string& destination : facts_of(mail).destinations) {
        for (const std::string& recipient : sample.recipients) {
            mail.goals.push_back(goal(destination, recipient));
        }
        if (sample.recipients.empty()) {
            mail.goals.push_back(goal(destination, ""));
        }
    }
    return id;
}

void Oracle::on_listed(std::uint64_t id, const std::string& uid, std::uint64_t size) {
    Mail& mail = mails_.at(id);
    if (!mail.listed_since) {
        mail.listed_since = loop_.now();
    }
    const bool has_other_uid = mail.uid != uid;
    if (!has_other_uid && (mail.listed_size == size || uid.empty())) {
        mail.listed_size = size;  // without UID it is known by its content
        return;
    }
    mail.delivery_ids += has_other_uid && !mail.uid.empty() ? 1U : 0U;
    mail.uid = uid;
    mail.listed_size = size;
    mail.identity_since = loop_.now();
    excuse(mail, Excuse::new_identity);  // to the program it is a new message
}

void Oracle::excuse(Mail& mail, Excuse reason) {
    for (auto& [goal, acceptances] : mail.accepted) {
        auto& known = acceptances.back().excuse;
        if (!is_other_id(known)) {  // no later reason takes that back
            known = reason;
        }
    }
}

void Oracle::on_listing(std::size_t account, const std::set<std::uint64_t>& ids) {
    const AccountFacts& facts = accounts_.at(account);
    if (facts.policy.initial.kind != engine::Initial::Kind::all &&
        !read_written_ledger().accounts.contains(facts.name)) {
        for (const std::uint64_t id : ids) {
            mails_.at(id).may_be_skipped = true;
        }
    }
    for (auto& [id, mail] : mails_) {
        if (mail.account != account || !mail.is_on_server || ids.contains(id)) {
            continue;
        }
        if (mail.is_removal_claimed && is_believed_gone(mail)) {
            excuse(mail, Excuse::forgotten);
        }
        if (mail.uid.empty() && mail.absent_since && has_been_met(mail)) {
            mail.absent_since.reset();
        }
        if (!mail.absent_since) {
            mail.absent_since = loop_.now();
        } else if (loop_.now() - *mail.absent_since >= kForgetAfter) {
            excuse(mail, Excuse::forgotten);
        }
    }
}

void Oracle::on_listing_seen(const std::set<std::uint64_t>& ids) {
    for (const std::uint64_t id : ids) {
        Mail& mail = mails_.at(id);
        if (!mail.uid.empty()) {  // else nobody knows it before it was fetched
            mail.absent_since.reset();
        }
    }
}

RecordKey Oracle::key_of(const Mail& mail) const {
    return {facts_of(mail).name,
            {mail.uid.empty() ? engine::content_uid(mail.sample.sha256) : mail.uid, 0}};
}

bool Oracle::is_believed_gone(const Mail& mail) const {
    const LedgerImage ledger = read_written_ledger();
    const store::MessageRecord* const record = ledger.find(key_of(mail));
    return record != nullptr && record->phase == store::Phase::gone;
}

bool Oracle::has_been_met(const Mail& mail) const {
    const LedgerImage ledger = read_written_ledger();
    const store::MessageRecord* const record = ledger.find(key_of(mail));
    return record != nullptr && !record->absent_since;
}

bool Oracle::is_forgotten(std::uint64_t id) {
    const store::MessageRecord* const record = durable_record(mails_.at(id));
    return record == nullptr || record->phase == store::Phase::gone;
}

bool Oracle::has_it(const Mail& mail, const Goal& goal) const {
    const auto& maildirs = facts_of(mail).maildirs;
    const auto maildir = maildirs.find(goal);
    return maildir == maildirs.end() ? mail.accepted.contains(goal) || mail.spam.contains(goal)
                                     : mail.filed.contains(maildir->second);
}

bool Oracle::is_accepted(const Mail& mail) {
    look_at_durable();
    return std::all_of(mail.goals.begin(), mail.goals.end(),
                       [&](const Goal& goal) { return has_it(mail, goal); });
}

bool Oracle::is_safe(std::uint64_t id, const Mail& mail) {
    look_at_durable();
    const auto held = durable_held_.find(id);
    return std::all_of(mail.goals.begin(), mail.goals.end(), [&](const Goal& goal) {
        return has_it(mail, goal) || (held != durable_held_.end() && held->second.contains(goal));
    });
}

bool Oracle::may_be_deleted(const Mail& mail, const engine::AccountPolicy& policy) const {
    if (!policy.delete_after) {
        return false;
    }
    const MonotonicTime now = loop_.now();
    bool is_old = mail.listed_since && now - *mail.listed_since >= policy.keep_on_server_at_least;
    for (const auto& [goal, acceptances] : mail.accepted) {
        is_old = is_old &&
                 std::any_of(acceptances.begin(), acceptances.end(), [&](const Acceptance& one) {
                     return now - one.when >= *policy.delete_after;
                 });
    }
    return is_old;
}

void Oracle::on_dele(std::uint64_t id, bool is_leftover) {
    const Mail& mail = mails_.at(id);
    const AccountFacts& facts = facts_of(mail);
    if (!is_accepted(mail)) {
        violated("I1", fmt::format("DELE of message {}, which was not delivered", id));
        return;
    }
    const store::MessageRecord* const record = durable_record(mail);
    if (record == nullptr) {
        violated("I2", fmt::format("DELE of message {} without a durable record", id));
    } else if (record->phase != store::Phase::delivered &&
               record->phase != store::Phase::deleting) {
        violated("I2", fmt::format("DELE of message {}, but its durable record is in phase {}", id,
                                   static_cast<int>(record->phase)));
    } else if ((record->listed_size != mail.listed_size && !mail.uid.empty()) ||
               record->sha256 != mail.sample.sha256) {
        violated("I2", fmt::format("DELE of message {} on the strength of another's record", id));
    } else if (!is_leftover && !may_be_deleted(mail, facts.policy) &&
               !(facts.policy_before && may_be_deleted(mail, *facts.policy_before))) {
        violated("policy", fmt::format("DELE of message {}, which is to be kept", id));
    }
}

void Oracle::on_consuming_quit(std::uint64_t id) {
    const Mail& mail = mails_.at(id);
    if (!is_safe(id, mail)) {
        violated("I3", fmt::format("QUIT takes message {}, which is secured nowhere", id));
        return;
    }
    const store::MessageRecord* const record = durable_record(mail);
    if (record == nullptr || record->phase == store::Phase::seen ||
        record->phase == store::Phase::skipped) {
        violated("I2", fmt::format("QUIT takes message {} without a durable record of it", id));
    }
}

void Oracle::on_removed(std::uint64_t id) {
    Mail& mail = mails_.at(id);
    mail.is_on_server = false;
    trace_("oracle: message {} has left its server", id);
    if (!is_safe(id, mail)) {
        violated("I1", fmt::format("message {} has left its server, and not all have it", id));
    }
}

void Oracle::on_accepted(const std::string& destination, std::string_view content,
                         const std::vector<std::string>& recipients,
                         std::shared_ptr<const Arrivals> arrivals, std::uint64_t reply_end) {
    const auto delivered = without_own_header(content);
    const auto id = id_of(content.substr(0, 4096));
    const auto mail = id ? mails_.find(*id) : mails_.end();
    if (!delivered || mail == mails_.end()) {
        violated("I6", "a destination was given what nobody had sent: " + escaped(content));
        return;
    }
    if (delivered->rest != mail->second.sample.delivered) {
        violated("I6",
                 fmt::format("message {} was accepted with another content, {} octets "
                             "instead of {}",
                             *id, delivered->rest.size(), mail->second.sample.delivered.size()));
        return;
    }
    for (const std::string& recipient : recipients) {
        accept(*id, goal(destination, recipient),
               {loop_.now(), arrivals, reply_end, std::string(delivered->delivery_id), {}});
    }
}

void Oracle::on_called_spam(const std::string& destination, const std::string& sender) {
    for (auto& [id, mail] : mails_) {
        if (!facts_of(mail).discards_spam || mail.sample.sender != sender) {
            continue;
        }
        std::copy_if(mail.goals.begin(), mail.goals.end(),
                     std::inserter(mail.spam, mail.spam.end()),
                     [&](const Goal& goal) { return goal.starts_with(destination + ' '); });
    }
}

std::optional<Excuse> Oracle::excuse_of(const Acceptance& last) const {
    if (last.excuse) {
        return last.excuse;
    }
    return last.was_answered() ? std::nullopt : std::optional(Excuse::disconnect);
}

std::optional<Excuse> Oracle::excuse_of_late(const Mail& mail, const Arrivals& arrivals) const {
    if (!arrivals.left_at) {
        return std::nullopt;
    }
    if (*arrivals.left_at <= ledger_since_) {
        return Excuse::ledger_lost;
    }
    if (*arrivals.left_at < mail.identity_since) {
        return Excuse::new_identity;
    }
    return arrivals.has_died ? Excuse::kill : Excuse::disconnect;
}

void Oracle::accept(std::uint64_t id, const Goal& goal, Acceptance acceptance) {
    Mail& mail = mails_.at(id);
    if (std::find(mail.goals.begin(), mail.goals.end(), goal) == mail.goals.end()) {
        violated("I8", fmt::format("message {} went to {}", id, goal));
        return;
    }
    std::vector<Acceptance>& before = mail.accepted[goal];
    trace_("oracle: message {} accepted by {} ({} before)", id, goal, before.size());
    acceptance.excuse = excuse_of_late(mail, *acceptance.arrivals);
    const bool is_late = acceptance.excuse.has_value();
    if (is_late && acceptance.arrivals->has_died) {
        doubt(mail.account, *acceptance.arrivals->left_at, id);
    }
    if (!before.empty()) {
        const auto excuse = is_late && !is_other_id(before.back().excuse)
                                ? acceptance.excuse
                                : excuse_of(before.back());
        if (!excuse) {
            violated("I4", fmt::format("message {} was delivered to {} a second time, and nothing "
                                       "excuses it",
                                       id, goal));
            return;
        }
        if (facts_of(mail).cautious.contains(goal.substr(0, goal.find(' '))) &&
            !is_unknown(excuse)) {
            violated("R-006", fmt::format("message {} was delivered to {} again, which may have "
                                          "had it and was to be asked once",
                                          id, goal));
        }
        ++duplicates_.at(static_cast<std::size_t>(*excuse));
        if (!is_other_id(excuse) && before.back().delivery_id != acceptance.delivery_id) {
            violated("I4", fmt::format("message {} was delivered again under another "
                                       "X-Postrider-Id",
                                       id));
        }
    }
    // What was written first counts as accepted first: the last one needs an excuse of its own.
    before.insert(is_late ? before.begin() : before.end(), std::move(acceptance));
}

LedgerImage Oracle::read_durable_ledger() const {
    const std::string path = std::string(kState) + "/ledger.db";
    return reader_.read(disk_.durable(path).value_or(""),
                        disk_.durable(path + "-wal").value_or(""));
}

LedgerImage Oracle::read_written_ledger() const {
    const std::string path = std::string(kState) + "/ledger.db";
    return reader_.read(disk_.content(path), disk_.content(path + "-wal"));
}

void Oracle::look_at_durable() {
    if (seen_version_ == disk_.durable_version()) {
        return;
    }
    seen_version_ = disk_.durable_version();
    durable_ledger_ = read_durable_ledger();
    read_held();
    read_maildirs();
}

void Oracle::read_maildirs() {
    const auto filed = maildirs_.look([this](const std::string& what) { violated("I6", what); });
    for (const Maildirs::Filed& one : filed) {
        const auto found = mails_.find(one.id);
        if (found == mails_.end() || found->second.sample.delivered != one.content) {
            violated("I6", fmt::format("message {} in {} is not as it was sent", one.id, one.path));
            continue;
        }
        Mail& mail = found->second;
        std::set<std::string>& ids = mail.filed[one.path];
        trace_("oracle: message {} is safe in {} ({} before)", one.id, one.path, ids.size());
        if (!ids.insert(one.delivery_id).second || ids.size() > mail.delivery_ids) {
            violated("I4", fmt::format("message {} is in {} a second time", one.id, one.path));
        } else if (ids.size() > 1) {
            ++duplicates_.at(static_cast<std::size_t>(Excuse::new_identity));
        }
    }
}

void Oracle::read_held() {
    durable_held_.clear();
    const std::string held = std::string(kState) + "/held";
    for (const std::string& name : disk_.durable_names(held)) {
        if (!name.ends_with(".json")) {
            continue;
        }
        const std::string delivery = name.substr(0, name.find('.'));
        const std::string copy = disk_.durable(held + "/new/" + delivery).value_or("");
        const auto content = without_own_header(copy);
        const auto id = id_of(copy);
        if (!content || !id || !mails_.contains(*id) ||
            content->rest != mails_.at(*id).sample.delivered) {
            continue;
        }
        const std::string envelope = disk_.durable(held + "/" + name).value_or("");
        const auto says = [&](const std::string& what) {
            return envelope.find(what) != std::string::npos;
        };
        for (const Goal& goal : mails_.at(*id).goals) {
            const std::size_t blank = goal.find(' ');
            const std::string recipient = goal.substr(blank + 1);
            if (says(fmt::format("\"destination\": \"{}\"", goal.substr(0, blank))) &&
                says(recipient.empty() ? "\"recipients\": []" : '"' + recipient + '"')) {
                durable_held_[*id].insert(goal);
            }
        }
    }
}

const store::MessageRecord* Oracle::durable_record(const Mail& mail) {
    look_at_durable();
    return durable_ledger_.find(key_of(mail));
}

void Oracle::on_process_ended(Machine::State how) {
    // What a new process would read: after a kill all that was written, after a power cut what was
    // left; the disk was asked to forget the rest before.
    const LedgerImage ledger =
        how == Machine::State::powerless ? read_durable_ledger() : read_written_ledger();
    for (std::size_t account = 0; account < accounts_.size(); ++account) {
        accounts_[account].is_polling = false;
        note_doubt(account, ledger, how);
    }
    for (const auto& [id, mail] : mails_) {
        if (!mail.is_on_server && !is_safe(id, mail)) {
            violated("I1", fmt::format("message {} was lost with the power", id));
        }
    }
}

bool Oracle::is_settled(const Mail& mail, const LedgerImage& ledger, const Goal& goal) const {
    const store::MessageRecord* const record = ledger.find(key_of(mail));
    return record != nullptr && record->sha256 == mail.sample.sha256 &&
           (record->listed_size == mail.listed_size || mail.uid.empty()) &&
           sim::is_settled(*record, goal,
                           goal.starts_with(facts_of(mail).destinations.front() + ' '));
}

void Oracle::note_doubt(std::size_t account, const LedgerImage& ledger, Machine::State how) {
    for (auto& [id, mail] : mails_) {
        if (mail.account != account || !mail.is_on_server) {
            continue;
        }
        for (auto& [goal, acceptances] : mail.accepted) {
            Acceptance& last = acceptances.back();
            if (excuse_of(last) || is_settled(mail, ledger, goal)) {
                continue;
            }
            // Of a failed fsync the program is told, and no more is begun.
            const bool is_recent = loop_.now() - last.when <= kGroupCommit ||
                                   disk_.sync_failed_at() >= std::optional(last.when);
            if (how == Machine::State::powerless) {
                last.excuse = Excuse::power_cut;
            } else {
                last.excuse = Excuse::kill;
            }
            if (how != Machine::State::powerless || !is_recent) {
                doubt(account, loop_.now(), id);
            }
        }
    }
}

void Oracle::doubt(std::size_t account, MonotonicTime ended, std::uint64_t id) {
    std::set<std::uint64_t>& in_doubt = doubts_[{account, ended}];
    in_doubt.insert(id);
    if (in_doubt.size() > 1) {
        violated("I5", fmt::format("the end of the process leaves {} deliveries of {} in doubt",
                                   in_doubt.size(), accounts_.at(account).name));
    }
}

void Oracle::on_disk_trouble(std::size_t account) {
    // The message whose record could not be written; there is one at most.
    Mail* last = nullptr;
    MonotonicTime when{};
    for (auto& [id, mail] : mails_) {
        for (const auto& [goal, acceptances] : mail.accepted) {
            if (mail.account == account && mail.is_on_server && acceptances.back().when >= when) {
                last = &mail;
                when = acceptances.back().when;
            }
        }
    }
    if (last == nullptr) {
        return;
    }
    const LedgerImage ledger = read_written_ledger();
    for (auto& [goal, acceptances] : last->accepted) {
        if (!acceptances.back().excuse && !is_settled(*last, ledger, goal)) {
            acceptances.back().excuse = Excuse::disk;
        }
    }
}

void Oracle::on_ledger_lost() {
    ledger_since_ = loop_.now();
    for (auto& [id, mail] : mails_) {
        ++mail.delivery_ids;
        excuse(mail, Excuse::ledger_lost);
    }
}

std::uint64_t Oracle::ambiguous() const {
    std::uint64_t count = 0;
    for (const auto& [id, mail] : mails_) {
        for (const auto& [goal, acceptances] : mail.accepted) {
            count += static_cast<std::uint64_t>(
                std::count_if(acceptances.begin(), acceptances.end(),
                              [](const Acceptance& one) { return !one.was_answered(); }));
        }
    }
    return count;
}

bool Oracle::is_left_out(const Mail& mail) {
    const engine::AccountPolicy& policy = facts_of(mail).policy;
    if (!mail.is_on_server) {
        return false;
    }
    // On its way it may have a line end more than it is listed with.
    const std::uint64_t size =
        std::max<std::uint64_t>(mail.listed_size, mail.sample.octets.size() + 2);
    if (policy.max_message_size && size > *policy.max_message_size) {
        return true;
    }
    const store::MessageRecord* const record = durable_record(mail);
    return mail.may_be_skipped && record != nullptr && record->phase == store::Phase::skipped;
}

std::optional<std::string> Oracle::unfinished() {
    for (const auto& [id, mail] : mails_) {
        if (is_left_out(mail)) {
            continue;
        }
        const std::string& account = facts_of(mail).name;
        if (!is_safe(id, mail)) {
            return fmt::format("message {} of {} was never delivered", id, account);
        }
        if (facts_of(mail).policy.delete_after && mail.is_on_server && is_accepted(mail) &&
            !durable_held_.contains(id)) {
            return fmt::format("message {} of {} was delivered and never deleted", id, account);
        }
    }
    return std::nullopt;
}

}  // namespace postrider::sim
