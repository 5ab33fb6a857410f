#include "postrider/sink/smtp_sink.h"

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "postrider/base/assert.h"

#include "sink/smtp_connection.h"
#include "sink/smtp_content.h"
#include "sink/smtp_hosts.h"
#include "sink/smtp_queue.h"
#include "sink/smtp_verdict.h"

namespace postrider::sink {

namespace {

/// A server that turns a connection away beside others has no room for more: it is asked for none
/// for so long, unless none is left.
constexpr Duration kNoRoomPause = std::chrono::seconds(30);

std::vector<std::string> names_of(const std::vector<SmtpHost>& hosts) {
    std::vector<std::string> names;
    names.reserve(hosts.size());
    for (const SmtpHost& host : hosts) {
        names.push_back(host.endpoint.to_text());
    }
    return names;
}

class SmtpSink final : public MailSink, public SmtpConnection::Owner, public SmtpJob::Owner {
  public:
    SmtpSink(SmtpTools tools, SmtpSettings settings)
        : tools_(tools),
          settings_(std::move(settings)),
          pump_(tools.loop.make_timer([this] { pump(); })),
          hosts_(names_of(settings_.hosts)),
          queue_(settings_.per_recipient) {}

    SmtpSink(const SmtpSink&) = delete;
    SmtpSink& operator=(const SmtpSink&) = delete;

    ~SmtpSink() override {
        POSTRIDER_ASSERT(failed_.empty());  // not from inside a completion
        for (SmtpJob* const job : queue_.take_all()) {
            job->detach();
        }
        for (const Line& line : lines_) {
            if (line.job != nullptr) {
                line.job->detach();
            }
            line.connection->say_goodbye();
        }
    }

    std::unique_ptr<Delivery> deliver(const mail::Envelope& envelope,
                                      std::shared_ptr<const mail::OutgoingMessage> message,
                                      DeliveryDone done) override {
        auto job = std::make_unique<SmtpJob>(*this);
        job->envelope = envelope;
        job->message = std::move(message);
        job->on_delivered = std::move(done);
        return enqueue(std::move(job));
    }

    std::unique_ptr<event::Operation> probe(ProbeDone done) override {
        auto job = std::make_unique<SmtpJob>(*this);
        job->on_probed = std::move(done);
        return enqueue(std::move(job));
    }

  private:
    /// A connection and what it carries.
    struct Line {
        std::unique_ptr<SmtpConnection> connection;
        SmtpJob* job = nullptr;
        bool is_spent = false;  ///< the server takes no more on it (S-019)
    };

    void forget(SmtpJob& job) override {
        queue_.forget(job);
        failed_.erase(std::remove(failed_.begin(), failed_.end(), &job), failed_.end());
        for (Line& line : lines_) {
            if (line.job == &job) {
                line.job = nullptr;
                queue_.ended(job);
                line.connection->cut();
                drop(*line.connection);
                pump_->arm(Duration::zero());
                return;
            }
        }
    }

    std::unique_ptr<SmtpJob> enqueue(std::unique_ptr<SmtpJob> job) {
        queue_.push_back(*job);
        // From the loop, so that no completion runs inside the call that asked for it.
        pump_->arm(Duration::zero());
        return job;
    }

    /// Gives waiting jobs to ready connections, and opens connections for the rest.
    void pump() {
        for (std::size_t i = 0; i < lines_.size() && !queue_.empty(); ++i) {
            if (lines_[i].connection->is_ready()) {
                serve(lines_[i]);
            }
        }
        if (!queue_.empty() && (lines_.empty() || tools_.loop.now() >= no_room_until_)) {
            open_more();
        }
    }

    /// As long as nobody knows whether the destination is there, one connection finds out.
    void open_more() {
        const bool is_proven = std::any_of(lines_.begin(), lines_.end(), [](const Line& line) {
            return line.connection->was_ready();
        });
        const std::size_t wanted = queue_.startable(is_proven ? settings_.connections : 1);
        for (std::size_t coming = count_coming(); coming < wanted; ++coming) {
            if (lines_.size() >= settings_.connections && !make_room()) {
                return;
            }
            auto host = hosts_.next(tools_.loop.now());
            if (!host && !lines_.empty()) {
                return;
            }
            if (!host) {
                static_cast<void>(hosts_.give_up());
                host = 0;
            }
            lines_.push_back({std::make_unique<SmtpConnection>(tools_, settings_, *host, *this)});
        }
    }

    /// Connections that are, or will soon be, ready for the next job.
    [[nodiscard]] std::size_t count_coming() const {
        const bool wants_fresh = queue_.wants_fresh();
        return static_cast<std::size_t>(
            std::count_if(lines_.begin(), lines_.end(), [wants_fresh](const Line& line) {
                return !line.connection->is_busy() &&
                       !(wants_fresh && line.connection->may_be_stale());
            }));
    }

    /// For a job that no connection will do for that is ready.
    bool make_room() {
        const auto idle = std::find_if(lines_.begin(), lines_.end(), [](const Line& line) {
            return line.connection->is_ready();
        });
        if (idle == lines_.end() || !queue_.wants_fresh()) {
            return false;
        }
        retire(*idle);
        return true;
    }

    void retire(Line& line) {
        line.connection->say_goodbye();
        line.connection->cut();
        drop(*line.connection);
    }

    /// One job for a ready connection. A probe is answered by the mere readiness; its completion
    /// may queue further jobs, hence pump_ rather than a loop.
    void serve(Line& line) {
        SmtpJob* const job = queue_.take(!line.connection->may_be_stale());
        if (job == nullptr) {
            return;
        }
        if (!queue_.empty()) {
            pump_->arm(Duration::zero());
        }
        if (job->is_probe()) {
            job->detach();
            const ProbeDone done = std::move(job->on_probed);
            done({});
            return;
        }
        if (const auto refusal = refused_by_policy(settings_.content, job->message->facts())) {
            queue_.ended(*job);
            job->detach();
            const DeliveryDone done = std::move(job->on_delivered);
            DeliveryReport report;
            report.verdicts.assign(job->envelope.recipients.size(), *refusal);
            done(std::move(report));
            return;
        }
        line.job = job;
        job->connection = line.connection.get();
        line.connection->deliver(job->envelope, job->message);
        if (job->is_committed) {
            line.connection->commit();
        }
    }

    void on_ready(SmtpConnection& connection) override {
        Line& line = line_of(connection);
        if (!line.is_spent) {
            hosts_.on_ready(connection.host());
        }
        const bool is_in_the_way = connection.may_be_stale() && queue_.wants_fresh() &&
                                   lines_.size() >= settings_.connections && count_coming() == 0;
        if (line.is_spent || is_in_the_way) {
            retire(line);
            pump_->arm(Duration::zero());
        } else {
            serve(line);
        }
    }

    void on_report(SmtpConnection& connection, DeliveryReport report) override {
        Line& line = line_of(connection);
        SmtpJob* const job = std::exchange(line.job, nullptr);
        if (job == nullptr) {
            return;
        }
        job->connection = nullptr;
        queue_.ended(*job);
        const bool is_put_off =
            report.fault && report.fault->retry != Retry::never && is_all_later(report);
        const bool is_of_the_session = connection.may_be_stale();
        line.is_spent = is_put_off;
        if (is_put_off && !is_of_the_session && hosts_.has_several()) {
            hosts_.on_failed(connection.host(), *report.fault, tools_.loop.now());
        }
        if (is_put_off && (is_of_the_session || hosts_.has_several()) &&
            job->retries < hosts_.count()) {
            ++job->retries;
            queue_.push_front(*job);
            pump_->arm(Duration::zero());
            return;
        }
        if (settings_.per_recipient > 0 && !queue_.empty()) {
            pump_->arm(Duration::zero());
        }
        job->detach();
        const DeliveryDone done = std::move(job->on_delivered);
        done(std::move(report));
    }

    /// Nobody has it and nobody will: it may be tried elsewhere.
    static bool is_all_later(const DeliveryReport& report) {
        return std::all_of(
            report.verdicts.begin(), report.verdicts.end(),
            [](const Verdict& verdict) { return verdict.outcome == Outcome::later; });
    }

    void on_down(SmtpConnection& connection, const Error& why) override {
        const bool was_ready = connection.was_ready();
        const std::size_t host = connection.host();
        drop(connection);
        if (was_ready) {
            pump_->arm(Duration::zero());
            return;
        }
        if (std::any_of(lines_.begin(), lines_.end(),
                        [host](const Line& line) { return line.connection->host() == host; })) {
            // Those that it took serve the queue; those under way have the last word on it.
            no_room_until_ = tools_.loop.now() + kNoRoomPause;
            return;
        }
        hosts_.on_failed(host, why, tools_.loop.now());
        if (hosts_.next(tools_.loop.now())) {
            pump_->arm(Duration::zero());
        } else if (lines_.empty()) {
            fail_queue(hosts_.give_up());
        }
    }

    /// The destination cannot be reached or wants nobody: everybody who waits is told. A completion
    /// may destroy other jobs of this list, which forget() then takes off.
    void fail_queue(const Error& why) {
        const std::deque<SmtpJob*> waiting = queue_.take_all();
        failed_.insert(failed_.end(), waiting.begin(), waiting.end());
        while (!failed_.empty()) {
            SmtpJob* const job = failed_.front();
            failed_.pop_front();
            job->detach();
            if (job->is_probe()) {
                const ProbeDone done = std::move(job->on_probed);
                done(failure(why));
                continue;
            }
            const DeliveryDone done = std::move(job->on_delivered);
            done(report_of_failure(why, {}, job->envelope.recipients.size()));
        }
    }

    Line& line_of(const SmtpConnection& connection) {
        const auto line = std::find_if(lines_.begin(), lines_.end(), [&](const Line& candidate) {
            return candidate.connection.get() == &connection;
        });
        POSTRIDER_ASSERT(line != lines_.end());
        return *line;
    }

    void drop(const SmtpConnection& connection) {
        Line& line = line_of(connection);
        tools_.loop.defer_delete(std::move(line.connection));
        if (&line != &lines_.back()) {
            line = std::move(lines_.back());
        }
        lines_.pop_back();
    }

    const SmtpTools tools_;
    const SmtpSettings settings_;
    std::unique_ptr<event::Timer> pump_;
    std::vector<Line> lines_;
    SmtpHosts hosts_;
    MonotonicTime no_room_until_{};
    // Jobs are owned by their callers, who tell when they are gone.
    SmtpQueue queue_;
    std::deque<SmtpJob*> failed_;
};

}  // namespace

std::unique_ptr<MailSink> make_smtp_sink(event::Loop& loop, event::Worker& worker,
                                         net::Connector& connector, SmtpSettings settings) {
    return std::make_unique<SmtpSink>(SmtpTools{loop, worker, connector}, std::move(settings));
}

}  // namespace postrider::sink
