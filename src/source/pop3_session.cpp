#include "source/pop3_session.h"

#include <map>
#include <utility>

#include <fmt/format.h>

#include "postrider/base/assert.h"
#include "postrider/base/planted.h"
#include "postrider/base/text.h"

namespace postrider::source {

namespace {

/// Some servers drop a session that is silent for a minute, whatever the RFC says (P-030).
constexpr Duration kKeepAliveAfter = std::chrono::seconds(20);

/// A server that cannot be asked may consume.
bool consumes(const Pop3Settings& settings, const pop3::Capabilities& capabilities,
              bool is_without_capa) {
    switch (settings.consumes) {
        case Consumes::automatic:
            return (capabilities.expire_days == 0U || is_without_capa) && !settings.fetch_with_top;
        case Consumes::yes:
            return true;
        case Consumes::no:
            return false;
    }
    return true;
}

/// Gmail lists the mail of 30 days to a user who logs in so, whatever was fetched of it.
bool lists_what_was_fetched(const Pop3Settings& settings) {
    return settings.user.starts_with("recent:");
}

struct Wait {
    Duration limit;
    std::string_view what;
};

Wait wait_in(pop3::Phase phase, const Pop3Timeouts& timeouts) {
    switch (phase) {
        case pop3::Phase::greeting:
            return {timeouts.greeting, "greeting"};
        case pop3::Phase::tls:
            return {timeouts.tls, "tls"};
        case pop3::Phase::login:
            return {timeouts.login, "login"};
        case pop3::Phase::transaction:
        case pop3::Phase::over:
            return {timeouts.reply, "reply"};
        case pop3::Phase::quit:
            return {timeouts.quit, "quit"};
    }
    return {timeouts.reply, "reply"};
}

}  // namespace

Pop3Session::Pop3Session(event::Loop& loop, event::Worker& worker, net::Connector& connector,
                         const Pop3Settings& settings, SourceEvents& events, const Quirks& quirks)
    : worker_(worker),
      connector_(connector),
      settings_(settings),
      events_(events),
      quirks_(quirks),
      is_without_capa_(quirks.no_capa),
      dialogue_(make_dialogue()),
      progress_deadline_(loop.make_timer([this] { on_overdue(); })),
      session_deadline_(loop.make_timer([this] {
          end({Errc::timed_out, Retry::later,
               fmt::format("the session took longer than {} (timeouts.session)",
                           to_text(settings_.timeouts.session))});
      })),
      keep_alive_(loop.make_timer([this] {
          dialogue_->noop();
          send_output();
      })),
      rate_check_(loop.make_timer([this] { check_rate(); })) {}

void Pop3Session::fetch(std::uint32_t number) {
    dialogue_->retr(number);
    send_output();
}

void Pop3Session::head(std::uint32_t number) {
    dialogue_->head(number);
    send_output();
}

void Pop3Session::remove(std::uint32_t number) {
    dialogue_->dele(number);
    send_output();
}

void Pop3Session::settle() {
    dialogue_->quit();
    send_output();
}

void Pop3Session::on_input() {
    while (true) {
        std::string_view input = stream_->input();
        const std::size_t available = input.size();
        const pop3::Event event = dialogue_->next(input);
        // A MessagePart points into the input: it is handled before its bytes are given back.
        const bool goes_on = handle(event);
        if (!goes_on) {
            return;
        }
        stream_->consume(available - input.size());
        if (std::holds_alternative<pop3::NeedInput>(event)) {
            break;
        }
        if (std::holds_alternative<pop3::StartTls>(event)) {
            upgrade_to_tls();
            return;
        }
    }
    send_output();
}

bool Pop3Session::handle(const pop3::Event& event) {
    struct Handler {
        Pop3Session& session;

        bool operator()(const pop3::NeedInput& /*event*/) const { return true; }
        bool operator()(const pop3::StartTls& /*event*/) const { return true; }
        bool operator()(const pop3::NoopDone& /*event*/) const { return true; }
        bool operator()(const pop3::KeyNeeded& event) const {
            session.derive_key(event.request);
            return true;
        }
        bool operator()(const pop3::LoggedIn& /*event*/) const {
            session.quirks_.no_capa = session.is_without_capa_;
            session.dialogue_->list();
            return true;
        }
        bool operator()(const pop3::ListingDone& event) const { return session.on_listing(event); }
        bool operator()(const pop3::MessagePart& event) const { return session.on_part(event); }
        bool operator()(const pop3::MessageDone& event) const {
            return session.on_done(event.number);
        }
        bool operator()(const pop3::MessageRefused& event) const {
            session.events_.on_fetch_refused(event.number, event.error);
            return !session.is_over_;
        }
        bool operator()(const pop3::HeadPart& event) const {
            session.head_.append(event.bytes.substr(0, kMaxHead - session.head_.size()));
            return true;
        }
        bool operator()(const pop3::HeadDone& event) const {
            session.events_.on_head(event.number, std::exchange(session.head_, {}));
            return !session.is_over_;
        }
        bool operator()(const pop3::HeadRefused& event) const {
            session.events_.on_head(event.number, failure(event.error));
            return !session.is_over_;
        }
        bool operator()(const pop3::Deleted& event) const {
            session.events_.on_removed(event.number);
            return !session.is_over_;
        }
        bool operator()(const pop3::DeleteRefused& event) const {
            session.events_.on_remove_refused(event.number, event.error);
            return !session.is_over_;
        }
        bool operator()(const pop3::QuitDone& event) const {
            session.note("the session has ended");
            session.close();
            session.events_.on_settled(event.outcome);
            return false;
        }
        bool operator()(const pop3::Failed& event) const {
            session.end(event.error);
            return false;
        }
    };
    return std::visit(Handler{*this}, event);
}

bool Pop3Session::on_listing(const pop3::ListingDone& done) {
    Listing listing;
    listing.has_uids = done.has_uids;
    listing.messages.reserve(done.messages.size());
    std::map<std::string_view, std::uint32_t> occurrences;
    for (const pop3::Listed& listed : done.messages) {
        listed_sizes_[listed.number] = listed.size;
        const std::uint32_t occurrence = listed.uid.empty() ? 0 : occurrences[listed.uid]++;
        listing.messages.push_back({.number = listed.number,
                                    .uid = listed.uid,
                                    .occurrence = occurrence,
                                    .size = listed.size});
    }
    const pop3::Capabilities& capa = dialogue_->capabilities();
    Capabilities capabilities;
    capabilities.consumes_on_settle = consumes(settings_, capa, is_without_capa_);
    capabilities.forbids_keeping =
        consumes(settings_, capa, false) && !lists_what_was_fetched(settings_);
    capabilities.has_heads = capa.top || !capa.known;
    capabilities.min_login_interval = min_login_interval();
    capabilities.peer_address = stream_->peer().address;
    capabilities.transport = stream_->is_encrypted() ? "POP3S" : "POP3";
    events_.on_listed(listing, capabilities);
    return !is_over_;
}

std::optional<Duration> Pop3Session::min_login_interval() const {
    const auto seconds = dialogue_->capabilities().login_delay_s;
    return seconds ? std::optional<Duration>(std::chrono::seconds(*seconds)) : std::nullopt;
}

bool Pop3Session::on_part(const pop3::MessagePart& part) {
    if (!receiving_) {
        receiving_.emplace(settings_.spool);
    }
    octets_in_window_ += part.bytes.size();
    octets_of_message_ += part.bytes.size();
    if (settings_.max_message_size && octets_of_message_ > *settings_.max_message_size) {
        give_up_oversize(part.number);
        return false;
    }
    if (settings_.min_rate > 0 && !rate_check_->is_armed()) {
        rate_check_->arm(settings_.min_rate_over);
    }
    if (const auto taken = receiving_->append(part.bytes); !taken) {
        end(taken.error());
        return false;
    }
    return true;
}

/// POP3 cannot stop a message that is on its way, only the connection (P-025). The listing said
/// that it is smaller (P-024).
void Pop3Session::give_up_oversize(std::uint32_t number) {
    const Error error{
        Errc::limit, Retry::never,
        fmt::format("RETR {}: the message is larger than max_message_size ({}), and was listed "
                    "with {}",
                    number, human_bytes(*settings_.max_message_size),
                    human_bytes(listed_sizes_[number]))};
    events_.on_fetch_refused(number, error);
    if (!is_over_) {
        end(error);
    }
}

bool Pop3Session::on_done(std::uint32_t number) {
    const std::uint64_t octets = std::exchange(octets_of_message_, 0);
    if (settings_.fetch_with_top && octets < listed_sizes_[number]) {
        // Many servers cut the answer to TOP (P-023): without this nothing would show it.
        receiving_.reset();
        rate_check_->disarm();
        octets_in_window_ = 0;
        events_.on_fetch_refused(
            number,
            {Errc::refused, Retry::later,
             fmt::format("TOP {}: the server sent {} of {} octets; if that is so with all larger "
                         "messages, this server cannot be fetched with TOP (fetch_with: retr)",
                         number, octets, listed_sizes_[number])});
        return !is_over_;
    }
    if (!receiving_) {
        receiving_.emplace(settings_.spool);
    }
    Expected<mail::Message> message = receiving_->finish();
    receiving_.reset();
    has_received_ = true;
    // The time to the next message is ours as much as the server's: each is judged by itself.
    rate_check_->disarm();
    octets_in_window_ = 0;
    if (!message) {
        end(message.error());
        return false;
    }
    events_.on_fetched(number, std::move(*message));
    return !is_over_;
}

void Pop3Session::on_closed(const Error& why) {
    if (std::string_view end = "\r\n.\r\n"; receiving_ && is_planted("half-a-message")) {
        if (!handle(dialogue_->next(end)) || !handle(dialogue_->next(end))) return;
    }
    const pop3::Phase phase = dialogue_->phase();
    if (dialogue_->waits_for_capa() && !is_without_capa_) {
        reconnect_without_capa();
        return;
    }
    if (dialogue_->is_pipelining() && !has_received_) {
        // It offers pipelining and cannot do it (P-022). Later in a session it is the network.
        quirks_.no_pipelining = true;
    }
    if (phase == pop3::Phase::quit) {
        const Expected<void> unknown = failure(told_of_wait(why));
        close();
        events_.on_settled(unknown);
        return;
    }
    if (phase == pop3::Phase::greeting || phase == pop3::Phase::login) {
        // How busy servers and rate limiters say no: not an answer to the password.
        end({Errc::busy, Retry::later,
             fmt::format(
                 "the server ended the connection during the {} without a word ({}); it may "
                 "be busy or allow fewer logins: poll less often",
                 wait_in(phase, settings_.timeouts).what, why.text)});
        return;
    }
    end(told_of_wait(why));
}

/// With what the server was asked and has not answered, or not to the end.
Error Pop3Session::told_of_wait(const Error& why) const {
    const std::string awaited = dialogue_->awaited();
    return awaited.empty() ? why : why.in("no whole answer to " + awaited);
}

/// For the transcript, if somebody listens.
void Pop3Session::note(std::string_view text) const {
    if (settings_.transcript != nullptr && settings_.transcript->is_wanted()) {
        settings_.transcript->note(text);
    }
}

void Pop3Session::send_output() {
    if (is_over_ || stream_ == nullptr) {
        return;
    }
    std::string output = dialogue_->take_output();
    if (!output.empty()) {
        stream_->write(output);
        wipe(output);
    }
    watch_progress();
}

void Pop3Session::watch_progress() {
    const bool is_waiting =
        dialogue_->phase() != pop3::Phase::transaction || dialogue_->outstanding() > 0;
    if (is_waiting) {
        progress_deadline_->arm(wait_in(dialogue_->phase(), settings_.timeouts).limit);
        keep_alive_->disarm();
    } else {
        progress_deadline_->disarm();
        keep_alive_->arm(kKeepAliveAfter);
    }
}

void Pop3Session::on_overdue() {
    const Wait wait = wait_in(dialogue_->phase(), settings_.timeouts);
    const bool may_want_tls =
        dialogue_->phase() == pop3::Phase::greeting && settings_.tls != TlsMode::implicit;
    Error error{
        Errc::timed_out, Retry::later,
        fmt::format("the server was silent for {} (timeouts.{}){}", to_text(wait.limit), wait.what,
                    may_want_tls ? "; if it begins with TLS, as on port 995, set tls: "
                                   "implicit"
                                 : "")};
    if (dialogue_->phase() == pop3::Phase::quit) {
        on_closed(error);
        return;
    }
    end(told_of_wait(error));
}

/// A message that trickles keeps the reply deadline happy for ever.
void Pop3Session::check_rate() {
    const auto window = std::chrono::duration_cast<std::chrono::seconds>(settings_.min_rate_over);
    const std::uint64_t octets = std::exchange(octets_in_window_, 0);
    if (octets < settings_.min_rate * static_cast<std::uint64_t>(window.count())) {
        end({Errc::timed_out, Retry::later,
             fmt::format("the server sent only {} in {} (min_rate is {} octets a second)",
                         human_bytes(octets), to_text(settings_.min_rate_over),
                         settings_.min_rate)});
        return;
    }
    rate_check_->arm(settings_.min_rate_over);
}

void Pop3Session::end(const Error& error) {
    // A copy, as the error may belong to the stream, which ends here.
    Error told = error;
    if (told.code == Errc::login_refused && !settings_.login_advice.empty()) {
        told.text += ". " + settings_.login_advice;
    }
    note("failed: " + told.text);
    close();
    events_.on_failed(told);
}

void Pop3Session::close() {
    POSTRIDER_ASSERT(!is_over_);
    is_over_ = true;
    working_.reset();
    connecting_.reset();
    stream_.reset();
    receiving_.reset();
    progress_deadline_->disarm();
    session_deadline_->disarm();
    keep_alive_->disarm();
    rate_check_->disarm();
}

}  // namespace postrider::source
