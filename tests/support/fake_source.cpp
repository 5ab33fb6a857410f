#include "support/fake_source.h"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include <gtest/gtest.h>

namespace postrider::test {

namespace {

mail::Message received(const std::string& octets) {
    mail::MessageBuilder builder{mail::Spool{}};
    EXPECT_TRUE(builder.append(octets));
    return *builder.finish();
}

}  // namespace

class FakeSource::Session final : public source::MailSource {
  public:
    Session(FakeSource& source, source::SourceEvents& events)
        : source_(source),
          events_(events),
          soon_(source.loop_.make_timer([this] { give_answer(); })) {
        EXPECT_EQ(source_.sessions_, 0U) << "one session at a time";
        ++source_.sessions_;
        source_.calls_.emplace_back("open");
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session() override {
        --source_.sessions_;
        source_.calls_.emplace_back("close");
    }

    void start() override {
        answer([this] { list(); });
    }

    void fetch(std::uint32_t number) override {
        const source::RemoteMessage& remote = at(number);
        source_.calls_.push_back("fetch " + remote.uid);
        answer([this, &remote] {
            if (source_.fetches_refused.contains(remote.uid)) {
                events_.on_fetch_refused(remote.number,
                                         {Errc::refused, Retry::later, "-ERR not now"});
                return;
            }
            fetched_.insert(remote.number);
            events_.on_fetched(remote.number, received(contents_.at(remote.number).octets));
        });
    }

    void head(std::uint32_t number) override {
        const source::RemoteMessage& remote = at(number);
        source_.calls_.push_back("head " + remote.uid);
        answer([this, &remote] {
            const std::string& octets = contents_.at(remote.number).octets;
            events_.on_head(remote.number, octets.substr(0, octets.find("\r\n\r\n") + 2));
        });
    }

    [[nodiscard]] source::Quirks quirks() const override { return source_.learns; }
    [[nodiscard]] std::optional<Duration> min_login_interval() const override {
        return source_.capabilities.min_login_interval;
    }

    void remove(std::uint32_t number) override {
        const source::RemoteMessage& remote = at(number);
        source_.calls_.push_back("remove " + remote.uid);
        if (source_.on_remove) {
            source_.on_remove(remote);
        }
        answer([this, &remote] {
            if (source_.removals_refused.contains(remote.uid)) {
                events_.on_remove_refused(remote.number, {Errc::refused, Retry::later, "-ERR no"});
                return;
            }
            removed_.push_back(remote.number);
            events_.on_removed(remote.number);
        });
    }

    void settle() override {
        source_.calls_.emplace_back("settle");
        answer([this] { quit(); });
    }

  private:
    void answer(std::function<void()> give) {
        EXPECT_FALSE(is_over_) << "asked for something of a session that has ended";
        answers_.push_back(std::move(give));
        soon_->arm(Duration::zero());
    }

    void give_answer() {
        const std::function<void()> give = std::move(answers_.front());
        answers_.pop_front();
        if (source_.fails_at == given_++) {
            is_over_ = true;
            answers_.clear();
            events_.on_failed(source_.fails_with);
            return;
        }
        if (!answers_.empty()) {
            soon_->arm(Duration::zero());
        }
        give();
    }

    void list() {
        std::map<std::string, std::uint32_t> occurrences;
        const std::size_t listed = std::min(source_.mailbox.size(), source_.window);
        for (std::size_t i = 0; i < listed; ++i) {
            const FakeMessage& message = source_.mailbox[i];
            const auto number = static_cast<std::uint32_t>(i + 1);
            contents_[number] = message;
            const std::string uid = source_.has_uids ? message.uid : "";
            listing_.messages.push_back({number, uid, uid.empty() ? 0 : occurrences[uid]++,
                                         message.listed_size.value_or(message.octets.size())});
        }
        listing_.has_uids = source_.has_uids;
        events_.on_listed(listing_, source_.capabilities);
    }

    void quit() {
        is_over_ = true;
        switch (source_.quit) {
            case FakeQuit::good:
                consume();
                carry_out(removed_.size());
                events_.on_settled({});
                return;
            case FakeQuit::unanswered_all_deleted:
                consume();
                carry_out(removed_.size());
                break;
            case FakeQuit::refused_all_deleted:
                carry_out(removed_.size());
                break;
            case FakeQuit::refused_first_deleted:
                carry_out(1);
                break;
            case FakeQuit::refused_none_deleted:
            case FakeQuit::unanswered_none_deleted:
                break;
        }
        const bool is_answered = source_.quit != FakeQuit::unanswered_all_deleted &&
                                 source_.quit != FakeQuit::unanswered_none_deleted;
        events_.on_settled(is_answered
                               ? failure(Errc::refused, Retry::later, "some were not removed")
                               : failure(Errc::closed, Retry::now, "no answer to QUIT"));
    }

    /// EXPIRE 0: what was fetched goes as if it had been removed.
    void consume() {
        if (source_.capabilities.consumes_on_settle) {
            fetched_.insert(removed_.begin(), removed_.end());
            removed_.assign(fetched_.begin(), fetched_.end());
        }
    }

    /// Deletes the first `count` of what is to be removed, from the end: positions stay true.
    void carry_out(std::size_t count) {
        removed_.resize(std::min(count, removed_.size()));
        std::sort(removed_.rbegin(), removed_.rend());
        for (const std::uint32_t number : removed_) {
            source_.mailbox.erase(source_.mailbox.begin() + number - 1);
        }
    }

    [[nodiscard]] const source::RemoteMessage& at(std::uint32_t number) const {
        return listing_.messages.at(number - 1);
    }

    FakeSource& source_;
    source::SourceEvents& events_;
    std::unique_ptr<event::Timer> soon_;
    std::deque<std::function<void()>> answers_;
    std::size_t given_ = 0;
    bool is_over_ = false;
    source::Listing listing_;
    std::map<std::uint32_t, FakeMessage> contents_;
    std::set<std::uint32_t> fetched_;
    std::vector<std::uint32_t> removed_;
};

std::unique_ptr<source::MailSource> FakeSource::open(source::SourceEvents& events,
                                                     const source::Quirks& quirks) {
    given = quirks;
    return std::make_unique<Session>(*this, events);
}

bool FakeSource::holds(const std::string& uid) const {
    return std::any_of(mailbox.begin(), mailbox.end(),
                       [&](const FakeMessage& message) { return message.uid == uid; });
}

void FakeSource::take_away(const std::string& uid) {
    const auto found = std::find_if(mailbox.begin(), mailbox.end(),
                                    [&](const FakeMessage& message) { return message.uid == uid; });
    ASSERT_NE(found, mailbox.end());
    mailbox.erase(found);
}

std::size_t FakeSource::count(const std::string& call) const {
    return static_cast<std::size_t>(std::count_if(
        calls_.begin(), calls_.end(),
        [&](const std::string& one) { return one.compare(0, call.size(), call) == 0; }));
}

}  // namespace postrider::test
