#include "postrider/sink/command_sink.h"

#include <algorithm>
#include <deque>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "postrider/base/assert.h"
#include "postrider/base/process.h"
#include "postrider/base/text.h"
#include "postrider/mail/places.h"

#include "sink/command_run.h"
#include "sink/command_verdict.h"
#include "sink/local_content.h"

namespace postrider::sink {

namespace {

constexpr std::size_t kLoggedLines = 10;

/// Programs take what begins with a hyphen for an option.
bool is_option(std::string_view argument) {
    return argument.starts_with('-');
}

/// $PATH of the program, for finding it.
std::string path_in(const std::vector<std::string>& environment) {
    const auto found =
        std::find_if(environment.begin(), environment.end(),
                     [](const std::string& variable) { return variable.starts_with("PATH="); });
    return found == environment.end() ? std::string(kUsualPath) : found->substr(5);
}

class CommandSink;

/// One message: a run for all recipients, or one for each of them, one after the other. Waits in
/// the sink's queue until a process may be started for it.
class CommandDelivery final : public Delivery {
  public:
    CommandDelivery(CommandSink& sink, mail::Envelope envelope,
                    std::shared_ptr<const mail::OutgoingMessage> message, DeliveryDone done);
    CommandDelivery(const CommandDelivery&) = delete;
    CommandDelivery& operator=(const CommandDelivery&) = delete;
    ~CommandDelivery() override;

    void commit() override {
        is_committed_ = true;
        if (run_ != nullptr) {
            run_->commit();
        }
    }

    /// A process may be started now.
    void start_next();
    /// The sink is gone.
    void detach() { sink_ = nullptr; }
    [[nodiscard]] bool has_process() const { return run_ != nullptr; }

  private:
    void on_ended(const RunEnd& end);
    void log(const RunEnd& end) const;
    [[nodiscard]] std::vector<std::size_t> next_recipients() const;
    [[nodiscard]] Expected<RunOrder> order_for(const std::vector<std::size_t>& recipients) const;
    void settle(const Verdict& verdict);
    void go_on();

    CommandSink* sink_;
    mail::Envelope envelope_;
    // Owners: the transfer and this delivery.
    std::shared_ptr<const mail::OutgoingMessage> message_;
    DeliveryDone done_;
    bool is_committed_ = false;
    DeliveryReport report_;  ///< a verdict for each recipient that had its run
    std::unique_ptr<CommandRun> run_;
};

/// Does some argument name the recipient? Then each has a run.
bool names_recipient(const std::vector<Pattern>& argv) {
    const std::vector<std::string> places = mail::delivery_places();
    return std::any_of(argv.begin(), argv.end(), [&places](const Pattern& argument) {
        return std::any_of(places.begin(), places.end(), [&argument](const std::string& place) {
            return mail::is_of_recipient(place) && argument.has_place(place);
        });
    });
}

/// What runs are made with.
struct Tools {
    event::Loop& loop;
    event::Worker& worker;
    Log& log;
    CommandSettings settings;
    bool is_for_each_recipient;
};

class CommandSink final : public MailSink {
  public:
    explicit CommandSink(Tools tools)
        : tools_(std::move(tools)), pump_(tools_.loop.make_timer([this] { pump(); })) {
        POSTRIDER_ASSERT(!tools_.settings.argv.empty());
    }
    CommandSink(const CommandSink&) = delete;
    CommandSink& operator=(const CommandSink&) = delete;
    ~CommandSink() override {
        for (CommandDelivery* const delivery : deliveries_) {
            delivery->detach();
        }
    }

    std::unique_ptr<Delivery> deliver(const mail::Envelope& envelope,
                                      std::shared_ptr<const mail::OutgoingMessage> message,
                                      DeliveryDone done) override {
        auto delivery =
            std::make_unique<CommandDelivery>(*this, envelope, std::move(message), std::move(done));
        deliveries_.push_back(delivery.get());
        pump_->arm(Duration::zero());
        return delivery;
    }

    std::unique_ptr<event::Operation> probe(ProbeDone done) override {
        // Shared by the job and its completion.
        auto is_there = std::make_shared<bool>(false);
        std::string program = tools_.settings.argv.front().fixed_start();
        return tools_.worker.run(
            [is_there, program, path = path_in(tools_.settings.environment)] {
                *is_there = find_program(program, path).has_value();
            },
            [is_there, program, done = std::move(done)] {
                if (*is_there) {
                    done({});
                } else {
                    done(failure(Errc::config, Retry::later,
                                 fmt::format("there is no program {}, or it cannot be run",
                                             escaped(program))));
                }
            });
    }

    /// The delivery has no process any more, or is gone: the next one's turn.
    void let_next() { pump_->arm(Duration::zero()); }

    void forget(const CommandDelivery& delivery) {
        deliveries_.erase(std::find(deliveries_.begin(), deliveries_.end(), &delivery));
        let_next();
    }

    [[nodiscard]] Tools& tools() { return tools_; }

  private:
    void pump() {
        const auto running =
            std::count_if(deliveries_.begin(), deliveries_.end(),
                          [](const CommandDelivery* delivery) { return delivery->has_process(); });
        const auto waiting =
            std::find_if(deliveries_.begin(), deliveries_.end(),
                         [](const CommandDelivery* delivery) { return !delivery->has_process(); });
        if (static_cast<std::size_t>(running) >= tools_.settings.processes ||
            waiting == deliveries_.end()) {
            return;
        }
        pump_->arm(Duration::zero());  // and the one after it
        (*waiting)->start_next();
    }

    Tools tools_;
    std::unique_ptr<event::Timer> pump_;
    std::deque<CommandDelivery*>
        deliveries_;  ///< owned by their callers; those that have not ended
};

CommandDelivery::CommandDelivery(CommandSink& sink, mail::Envelope envelope,
                                 std::shared_ptr<const mail::OutgoingMessage> message,
                                 DeliveryDone done)
    : sink_(&sink),
      envelope_(std::move(envelope)),
      message_(std::move(message)),
      done_(std::move(done)) {}

CommandDelivery::~CommandDelivery() {
    if (sink_ != nullptr) {
        sink_->forget(*this);
    }
}

std::vector<std::size_t> CommandDelivery::next_recipients() const {
    std::vector<std::size_t> all(envelope_.recipients.size());
    std::iota(all.begin(), all.end(), 0U);
    return sink_->tools().is_for_each_recipient ? std::vector{report_.verdicts.size()} : all;
}

Expected<RunOrder> CommandDelivery::order_for(const std::vector<std::size_t>& recipients) const {
    const CommandSettings& settings = sink_->tools().settings;
    const mail::Provenance& provenance = message_->provenance();
    const mail::Address& recipient = envelope_.recipients[recipients.front()];
    RunOrder order;
    for (const Pattern& argument : settings.argv) {
        order.argv.push_back(argument.filled([&](std::string_view place) {
            return mail::place_value(place, provenance.account, recipient);
        }));
        if (argument.fixed_start().empty() && is_option(order.argv.back())) {
            return failure(Errc::refused, Retry::never,
                           fmt::format("\"{}\" would be an option of the program, not an address",
                                       escaped(order.argv.back())));
        }
    }
    order.program = order.argv.front();
    order.environment = settings.environment;
    order.path = path_in(settings.environment);
    order.timeout = settings.timeout;
    std::string all;
    for (const std::size_t i : recipients) {
        all += (all.empty() ? "" : "\n") + envelope_.recipients[i].text();
    }
    order.environment.push_back("RECIPIENT=" + all);
    order.environment.push_back("SENDER=" + (envelope_.sender ? envelope_.sender->text() : ""));
    order.environment.push_back("POSTRIDER_ACCOUNT=" + provenance.account);
    order.environment.push_back("POSTRIDER_ID=" + provenance.delivery_id);
    return order;
}

void CommandDelivery::start_next() {
    auto order = order_for(next_recipients());
    if (!order) {
        settle({Outcome::refused, 0, "5.1.3", order.error().text});
        go_on();
        return;
    }
    Tools& tools = sink_->tools();
    run_ = std::make_unique<CommandRun>(
        tools.loop, tools.worker, std::move(*order),
        LocalContent(message_, return_path_line(envelope_), tools.settings.line_ends),
        [this](const RunEnd& end) { on_ended(end); });
    if (is_committed_) {
        run_->commit();
    }
}

void CommandDelivery::on_ended(const RunEnd& end) {
    log(end);
    sink_->tools().loop.defer_delete(std::move(run_));
    if (end.wait_status) {
        settle(verdict_of_exit(*end.wait_status, end.complaint));
    } else {
        const Error& error = end.wait_status.error();
        const std::string words = first_words(end.complaint);
        settle({Outcome::later, 0, "", error.text + (words.empty() ? "" : ", saying: " + words)});
        if (error.code != Errc::timed_out) {
            report_.fault = error;  // it was not run, or this machine is in trouble
        }
    }
    go_on();
}

/// Lines of its standard error: a person who looks for a message's fate finds them beside it.
void CommandDelivery::log(const RunEnd& end) const {
    const bool is_good = end.wait_status && *end.wait_status == 0;
    std::string_view rest = trimmed(end.complaint);
    for (std::size_t lines = 0; !rest.empty() && lines < kLoggedLines; ++lines) {
        const std::size_t line_end = std::min(rest.find('\n'), rest.size());
        sink_->tools().log.write(is_good ? LogLevel::info : LogLevel::warn, "command",
                                 {{"account", message_->provenance().account},
                                  {"destination", sink_->tools().settings.name},
                                  {"id", message_->provenance().delivery_id},
                                  {"stderr", rest.substr(0, line_end)}});
        rest.remove_prefix(std::min(line_end + 1, rest.size()));
    }
}

/// The verdict of a run holds for all whom it served.
void CommandDelivery::settle(const Verdict& verdict) {
    report_.verdicts.resize(report_.verdicts.size() + next_recipients().size(), verdict);
}

void CommandDelivery::go_on() {
    if (report_.verdicts.size() < envelope_.recipients.size()) {
        sink_->let_next();
        return;
    }
    std::exchange(sink_, nullptr)->forget(*this);
    const DeliveryDone done = std::move(done_);
    done(std::move(report_));
}

}  // namespace

std::unique_ptr<MailSink> make_command_sink(event::Loop& loop, event::Worker& worker, Log& log,
                                            CommandSettings settings) {
    const bool is_for_each_recipient = names_recipient(settings.argv);
    return std::make_unique<CommandSink>(
        Tools{loop, worker, log, std::move(settings), is_for_each_recipient});
}

}  // namespace postrider::sink
