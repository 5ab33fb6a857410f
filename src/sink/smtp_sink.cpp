#include "postrider/sink/smtp_sink.h"

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "postrider/base/assert.h"

#include "sink/smtp_connection.h"
#include "sink/smtp_verdict.h"

namespace postrider::sink {

namespace {

/// A server that turns a connection away beside others has no room for more: it is asked for none
/// for so long, unless none is left.
constexpr Duration kNoRoomPause = std::chrono::seconds(30);

class SmtpSink;

/// A delivery or a probe that waits for a connection or has one. Owned by the caller.
class Job : public Delivery {
  public:
    explicit Job(SmtpSink& sink) : sink_(&sink) {}
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;
    ~Job() override;

    mail::Envelope envelope;
    // Owners: the transfer, this job, and the connection that carries it. Empty for a probe.
    std::shared_ptr<const mail::OutgoingMessage> message;
    DeliveryDone on_delivered;
    ProbeDone on_probed;
    SmtpConnection* connection = nullptr;
    bool was_retried = false;
    bool is_committed = false;

    void commit() override {
        is_committed = true;
        if (connection != nullptr) {
            connection->commit();
        }
    }

    /// The sink knows it no more: it has ended.
    void detach() { sink_ = nullptr; }

  private:
    SmtpSink* sink_;
};

class SmtpSink : public MailSink, public SmtpConnection::Owner {
  public:
    SmtpSink(event::Loop& loop, net::Connector& connector, SmtpSettings settings)
        : loop_(loop),
          connector_(connector),
          settings_(std::move(settings)),
          pump_(loop.make_timer([this] { pump(); })) {}

    SmtpSink(const SmtpSink&) = delete;
    SmtpSink& operator=(const SmtpSink&) = delete;

    ~SmtpSink() override {
        POSTRIDER_ASSERT(failed_.empty());  // not from inside a completion
        for (Job* const job : queue_) {
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
        auto job = std::make_unique<Job>(*this);
        job->envelope = envelope;
        job->message = std::move(message);
        job->on_delivered = std::move(done);
        return enqueue(std::move(job));
    }

    std::unique_ptr<event::Operation> probe(ProbeDone done) override {
        auto job = std::make_unique<Job>(*this);
        job->on_probed = std::move(done);
        return enqueue(std::move(job));
    }

    /// The caller wants no more of it.
    void forget(Job& job) {
        for (std::deque<Job*>* const jobs : {&queue_, &failed_}) {
            jobs->erase(std::remove(jobs->begin(), jobs->end(), &job), jobs->end());
        }
        for (Line& line : lines_) {
            if (line.job == &job) {
                line.job = nullptr;
                line.connection->cut();
                drop(*line.connection);
                pump_->arm(Duration::zero());
                return;
            }
        }
    }

  private:
    /// A connection and what it carries.
    struct Line {
        std::unique_ptr<SmtpConnection> connection;
        Job* job = nullptr;
    };

    std::unique_ptr<Job> enqueue(std::unique_ptr<Job> job) {
        queue_.push_back(job.get());
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
        if (!lines_.empty() && loop_.now() < no_room_until_) {
            return;
        }
        const auto coming = static_cast<std::size_t>(
            std::count_if(lines_.begin(), lines_.end(),
                          [](const Line& line) { return !line.connection->is_busy(); }));
        for (std::size_t i = coming; i < queue_.size() && lines_.size() < settings_.connections;
             ++i) {
            lines_.push_back(
                {std::make_unique<SmtpConnection>(loop_, connector_, settings_, *this), nullptr});
        }
    }

    /// One job for a ready connection. A probe is answered by the mere readiness; its completion
    /// may queue further jobs, hence pump_ rather than a loop.
    void serve(Line& line) {
        Job* const job = queue_.front();
        queue_.pop_front();
        if (!queue_.empty()) {
            pump_->arm(Duration::zero());
        }
        if (job->message == nullptr) {
            job->detach();
            const ProbeDone done = std::move(job->on_probed);
            done({});
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
        if (!queue_.empty()) {
            serve(line_of(connection));
        }
    }

    void on_report(SmtpConnection& connection, DeliveryReport report) override {
        Line& line = line_of(connection);
        Job* const job = std::exchange(line.job, nullptr);
        if (job == nullptr) {
            return;
        }
        job->connection = nullptr;
        if (is_stale_end(connection, report) && !job->was_retried) {
            job->was_retried = true;
            queue_.push_front(job);
            return;  // on_down follows, and pumps
        }
        job->detach();
        const DeliveryDone done = std::move(job->on_delivered);
        done(std::move(report));
    }

    /// A connection that was not new and dies without a word on the new transaction had most likely
    /// been closed by an idle time-out: the final dot is not out, so another connection may try.
    static bool is_stale_end(const SmtpConnection& connection, const DeliveryReport& report) {
        return connection.may_be_stale() && report.fault &&
               std::all_of(report.verdicts.begin(), report.verdicts.end(),
                           [](const Verdict& verdict) {
                               return verdict.outcome == Outcome::later && verdict.code == 0;
                           });
    }

    void on_down(SmtpConnection& connection, const Error& why) override {
        const bool was_ready = connection.was_ready();
        drop(connection);
        if (was_ready) {
            pump_->arm(Duration::zero());
            return;
        }
        if (!lines_.empty()) {
            // Those that it took serve the queue; those under way have the last word on it.
            no_room_until_ = loop_.now() + kNoRoomPause;
            return;
        }
        fail_queue(why);
    }

    /// The destination cannot be reached or wants nobody: everybody who waits is told. A completion
    /// may destroy other jobs of this list, which forget() then takes off.
    void fail_queue(const Error& why) {
        failed_.insert(failed_.end(), queue_.begin(), queue_.end());
        queue_.clear();
        while (!failed_.empty()) {
            Job* const job = failed_.front();
            failed_.pop_front();
            job->detach();
            if (job->message == nullptr) {
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
        loop_.defer_delete(std::move(line.connection));
        line = std::move(lines_.back());
        lines_.pop_back();
    }

    event::Loop& loop_;
    net::Connector& connector_;
    const SmtpSettings settings_;
    std::unique_ptr<event::Timer> pump_;
    std::vector<Line> lines_;
    MonotonicTime no_room_until_{};
    // Jobs are owned by their callers, who tell when they are gone.
    std::deque<Job*> queue_;
    std::deque<Job*> failed_;
};

Job::~Job() {
    if (sink_ != nullptr) {
        sink_->forget(*this);
    }
}

}  // namespace

std::unique_ptr<MailSink> make_smtp_sink(event::Loop& loop, net::Connector& connector,
                                         SmtpSettings settings) {
    return std::make_unique<SmtpSink>(loop, connector, std::move(settings));
}

}  // namespace postrider::sink
