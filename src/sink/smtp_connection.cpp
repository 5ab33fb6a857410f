#include "sink/smtp_connection.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "postrider/base/assert.h"
#include "postrider/base/text.h"
#include "postrider/mail/header_scan.h"
#include "postrider/mail/received_client.h"

#include "sink/smtp_verdict.h"

namespace postrider::sink {

namespace {

struct Wait {
    Duration limit;
    std::string_view what;
};

Wait wait_in(smtp::Phase phase, const SmtpTimeouts& timeouts) {
    switch (phase) {
        case smtp::Phase::greeting:
        case smtp::Phase::hello:
            return {timeouts.greeting, "greeting"};
        case smtp::Phase::tls:
            return {timeouts.tls, "tls"};
        case smtp::Phase::mail:
            return {timeouts.mail, "mail"};
        case smtp::Phase::rcpt:
            return {timeouts.rcpt, "rcpt"};
        case smtp::Phase::data:
            return {timeouts.data, "data"};
        case smtp::Phase::content:
            return {timeouts.block, "block"};
        case smtp::Phase::final_dot:
            return {timeouts.final_dot, "final_dot"};
        case smtp::Phase::idle:
        case smtp::Phase::quit:
        case smtp::Phase::over:
            return {timeouts.idle, "idle"};
    }
    return {timeouts.idle, "idle"};
}

}  // namespace

SmtpConnection::SmtpConnection(const SmtpTools& tools, const SmtpSettings& settings,
                               std::size_t host, Owner& owner)
    : tools_(tools),
      settings_(settings),
      host_(host),
      owner_(owner),
      dialogue_({.flavour = settings.flavour,
                 .hello_name = settings.hello_name,
                 .use_starttls = settings.tls == TlsMode::starttls,
                 .encrypted = settings.tls == TlsMode::implicit,
                 .login = settings.login,
                 .use_chunking = settings.chunking,
                 .use_xclient = settings.xclient_hops > 0,
                 .needs_8bitmime = settings.content.holds_8bit,
                 .dsn = settings.dsn}),
      deadline_(tools.loop.make_timer([this] { on_overdue(); })),
      read_on_soon_(tools.loop.make_timer([this] { read_on(); })) {
    net::ConnectRequest request;
    request.endpoint = settings.hosts.at(host).endpoint;
    request.deadline = settings.timeouts.connect;
    if (settings.tls == TlsMode::implicit) {
        request.tls = settings.hosts.at(host).tls;
        request.deadline += settings.timeouts.tls;
    }
    connecting_ =
        tools.connector.connect(request, [this](Expected<std::unique_ptr<net::ByteStream>> stream) {
            on_connected(std::move(stream));
        });
}

void SmtpConnection::deliver(const mail::Envelope& envelope,
                             std::shared_ptr<const mail::OutgoingMessage> message) {
    POSTRIDER_ASSERT(state_ == State::ready);
    state_ = State::busy;
    is_committed_ = false;
    has_asked_all_ = false;
    heard_.clear();
    content_.emplace(std::move(message), settings_.content);
    recipients_ = envelope.recipients.size();
    Expected<smtp::Transaction> transaction = transaction_of(envelope);
    if (!transaction) {
        unreadable_ = transaction.error();
        read_on_soon_->arm(Duration::zero());
        return;
    }
    dialogue_.begin(std::move(*transaction));
    send_output();
    if (dialogue_.phase() == smtp::Phase::idle) {
        // Refused without asking the server (its SIZE): no input will come to tell it by.
        read_on_soon_->arm(Duration::zero());
    }
}

Expected<smtp::Transaction> SmtpConnection::transaction_of(const mail::Envelope& envelope) const {
    const mail::OutgoingMessage& message = content_->message();
    const Expected<std::uint64_t> size = content_->measure();
    if (!size) {
        return failure(size.error());
    }
    smtp::Transaction transaction{
        .envelope = envelope,
        .size = *size,
        .has_8bit = message.facts().has_8bit,
        .envid = settings_.tells_envid ? message.provenance().delivery_id : ""};
    if (settings_.xclient_hops > 0) {
        const Expected<std::string> head = message.received_head(mail::kHeaderScanLimit);
        if (!head) {
            return failure(head.error());
        }
        mail::ReceivedClient client = mail::received_client(*head, settings_.xclient_hops);
        transaction.client = {std::move(client.address), std::move(client.name),
                              std::move(client.helo), std::move(client.protocol)};
    }
    return transaction;
}

void SmtpConnection::commit() {
    is_committed_ = true;
    if (is_withheld_) {
        complete_content();
        send_output();
    }
}

void SmtpConnection::say_goodbye() {
    if (state_ == State::ready) {
        dialogue_.quit();
        send_output();
    }
}

void SmtpConnection::cut() {
    state_ = State::down;
    is_sending_ = false;
    is_withheld_ = false;
    deadline_->disarm();
    read_on_soon_->disarm();
    connecting_.reset();
    working_.reset();
    stream_.reset();
    content_.reset();
    unreadable_.reset();
}

void SmtpConnection::on_connected(Expected<std::unique_ptr<net::ByteStream>> stream) {
    if (!stream) {
        go_down(stream.error(), {}, std::nullopt);
        return;
    }
    state_ = State::greeting;
    stream_ = std::move(*stream);
    stream_->attach(this);
    watch_progress();
}

void SmtpConnection::on_input() {
    read_on();
}

void SmtpConnection::read_on() {
    if (unreadable_) {
        go_down(*unreadable_, {}, std::nullopt);
        return;
    }
    while (true) {
        std::string_view input = stream_->input();
        const std::size_t available = input.size();
        const smtp::Event event = dialogue_.next(input);
        tell_replies(stream_->input().substr(0, available - input.size()));
        stream_->consume(available - input.size());
        if (!handle(event)) {
            return;
        }
        if (std::holds_alternative<smtp::StartTls>(event)) {
            upgrade_to_tls();
            return;
        }
        send_output();
        if (std::holds_alternative<smtp::NeedInput>(event)) {
            return;
        }
    }
}

bool SmtpConnection::handle(const smtp::Event& event) {
    struct Handler {
        SmtpConnection& connection;

        bool operator()(const smtp::NeedInput& /*event*/) const { return true; }
        bool operator()(const smtp::StartTls& /*event*/) const { return true; }
        bool operator()(const smtp::KeyNeeded& event) const {
            connection.derive_key(event.request);
            return true;
        }
        bool operator()(const smtp::Ready& /*event*/) const {
            connection.state_ = State::ready;
            connection.was_ready_ = true;
            connection.owner_.on_ready(connection);
            connection.may_be_stale_ = connection.may_be_stale_ || connection.is_ready();
            return connection.state_ != State::down;
        }
        bool operator()(const smtp::SendContent& /*event*/) const {
            connection.tell_commands(
                fmt::format("(message of {} octets)\n", connection.content_->message().size()));
            connection.has_asked_all_ = true;
            connection.is_sending_ = true;
            connection.content_->rewind();
            return connection.send_content();
        }
        bool operator()(const smtp::TransactionDone& event) const {
            return connection.on_transaction_done(event);
        }
        bool operator()(const smtp::Failed& event) const {
            connection.on_failed(event);
            return false;
        }
    };
    return std::visit(Handler{*this}, event);
}

bool SmtpConnection::on_transaction_done(const smtp::TransactionDone& done) {
    finish_content();
    is_withheld_ = false;
    content_.reset();
    recipients_ = 0;
    state_ = State::greeting;  // not ready before the dialogue says so
    owner_.on_report(*this, report_of(done.results));
    may_be_stale_ = true;
    if (state_ == State::down) {
        return false;
    }
    if (!done.usable) {
        go_down({Errc::closed, Retry::now, "the server ended the session early"}, {}, std::nullopt);
        return false;
    }
    return true;
}

void SmtpConnection::on_failed(const smtp::Failed& failed) {
    go_down(failed.error, failed.results, failed.reply);
}

void SmtpConnection::upgrade_to_tls() {
    watch_progress();
    stream_->start_tls(settings_.hosts[host_].tls, [this](const Expected<void>& secured) {
        if (!secured) {
            go_down(secured.error(), {}, std::nullopt);
            return;
        }
        dialogue_.tls_started();
        send_output();
    });
}

/// As many iterations as a server may ask for take seconds (P-015): the others go on meanwhile.
void SmtpConnection::derive_key(const sasl::KeyRequest& request) {
    // Owners: the job and its completion, of which either may be dropped first.
    const auto key = std::make_shared<Secret>();
    working_ = tools_.worker.run([request, key] { *key = sasl::derive_key(request); },
                                 [this, key] {
                                     dialogue_.key_derived(*key);
                                     send_output();
                                 });
}

bool SmtpConnection::send_content() {
    std::size_t unwritten = 0;
    while (stream_->output_pending() < net::ByteStream::kOutputHighMark) {
        const Expected<std::string_view> piece = content_->next();
        if (!piece) {
            // The server has seen no final dot: closing drops the message there (S-003).
            go_down(piece.error(), {}, std::nullopt);
            return false;
        }
        if (piece->empty()) {
            finish_content();
            if (!is_committed_) {
                // What is left goes out together with the final dot. Nobody waits for the server.
                is_withheld_ = true;
                deadline_->disarm();
                return true;
            }
            complete_content();
            break;
        }
        dialogue_.send_content(*piece);
        unwritten += piece->size();
        // A short piece is mostly the last: it leaves together with the final dot.
        if (unwritten >= mail::OutgoingMessage::Reader::kPiece) {
            unwritten = 0;
            stream_->write(dialogue_.take_output());
        }
    }
    send_output();
    return true;
}

void SmtpConnection::finish_content() {
    is_sending_ = false;
}

void SmtpConnection::complete_content() {
    is_withheld_ = false;
    dialogue_.end_content();
}

void SmtpConnection::on_output_low() {
    if (is_sending_) {
        static_cast<void>(send_content());
    }
}

void SmtpConnection::on_closed(const Error& why) {
    std::vector<smtp::RecipientResult> results;
    if (state_ == State::busy) {
        results = dialogue_.abandoned();
    }
    go_down(why, results, std::nullopt);
}

void SmtpConnection::send_output() {
    if (stream_ == nullptr) {
        return;
    }
    if (is_withheld_) {
        return;
    }
    if (std::string output = dialogue_.take_output(); !output.empty()) {
        tell_commands(output);
        stream_->write(output);
        if (dialogue_.phase() == smtp::Phase::hello) {
            wipe(output);  // it may have been a password
        }
    }
    watch_progress();
}

bool SmtpConnection::is_heard() const {
    return state_ == State::busy && content_ && settings_.listener != nullptr &&
           settings_.listener->is_wanted(content_->message().provenance().account);
}

void SmtpConnection::tell_commands(std::string_view output) {
    if (has_asked_all_ || !is_heard()) {
        return;
    }
    while (!output.empty()) {
        const std::size_t end = std::min(output.find('\n'), output.size());
        settings_.listener->client(content_->message().provenance().account, settings_.name,
                                   escaped(trimmed(output.substr(0, end)), smtp::kMaxReplyLine));
        output.remove_prefix(std::min(end + 1, output.size()));
    }
}

/// Lines may come in pieces.
void SmtpConnection::tell_replies(std::string_view input) {
    if (!is_heard()) {
        return;
    }
    heard_ += input;
    for (std::size_t end = heard_.find('\n'); end != std::string::npos; end = heard_.find('\n')) {
        settings_.listener->server(
            content_->message().provenance().account, settings_.name,
            escaped(trimmed(std::string_view(heard_).substr(0, end)), smtp::kMaxReplyLine));
        heard_.erase(0, end + 1);
    }
}

void SmtpConnection::watch_progress() {
    deadline_->arm(wait_in(dialogue_.phase(), settings_.timeouts).limit);
}

void SmtpConnection::on_overdue() {
    if (state_ == State::ready) {
        say_goodbye();
        go_down({Errc::timed_out, Retry::now, "unused"}, {}, std::nullopt);
        return;
    }
    const Wait wait = wait_in(dialogue_.phase(), settings_.timeouts);
    on_closed({Errc::timed_out, Retry::later,
               fmt::format("the server was silent for {} (timeouts.{})", to_text(wait.limit),
                           wait.what)});
}

void SmtpConnection::go_down(const Error& why, const std::vector<smtp::RecipientResult>& results,
                             const std::optional<smtp::Reply>& reply) {
    const bool was_busy = state_ == State::busy;
    const Error told = session_error(why, reply);
    cut();
    if (was_busy) {
        DeliveryReport report = report_of_failure(told, results, recipients_);
        if (told.code == Errc::io) {
            // The content could not be read here: the destination is well.
            report.fault.reset();
            report.hung_up = false;
        }
        owner_.on_report(*this, std::move(report));
    }
    owner_.on_down(*this, told);
}

}  // namespace postrider::sink
