#include "support/fake_sink.h"

#include <algorithm>

#include "postrider/base/assert.h"

#include "support/fake_octets.h"

namespace postrider::test {

namespace {

std::string subject_of(const std::string& octets) {
    const std::string name = "\r\nSubject: ";
    const std::size_t begin = octets.find(name);
    if (begin == std::string::npos) {
        return {};
    }
    const std::size_t value = begin + name.size();
    return octets.substr(value, octets.find("\r\n", value) - value);
}

}  // namespace

class FakeSink::Delivery final : public sink::Delivery {
  public:
    Delivery(FakeSink& sink, mail::Envelope envelope, std::string octets, sink::DeliveryDone done)
        : sink_(sink),
          envelope_(std::move(envelope)),
          octets_(std::move(octets)),
          done_(std::move(done)),
          soon_(sink.loop_.make_timer([this] { answer(); })) {
        sink_.under_way_.push_back(this);
        sink_.most_under_way_ = std::max(sink_.most_under_way_, sink_.under_way_.size());
        sink_.tried_.push_back(subject_of(octets_));
    }
    Delivery(const Delivery&) = delete;
    Delivery& operator=(const Delivery&) = delete;
    ~Delivery() override { forget(); }

    void commit() override {
        if (is_committed_ || !done_) {
            return;
        }
        is_committed_ = true;
        sink_.committed_.push_back(subject_of(octets_));
        if (!sink_.is_holding_) {
            answer_soon();
        }
    }

    [[nodiscard]] bool is_committed() const { return is_committed_; }
    void answer_soon() { soon_->arm(Duration::zero()); }

  private:
    void answer() {
        forget();
        const sink::DeliveryDone done = std::move(done_);
        done(sink_.answer_to(envelope_, subject_of(octets_), octets_));
    }

    void forget() { std::erase(sink_.under_way_, this); }

    FakeSink& sink_;
    mail::Envelope envelope_;
    std::string octets_;
    sink::DeliveryDone done_;
    bool is_committed_ = false;
    std::unique_ptr<event::Timer> soon_;
};

class FakeSink::Probe final : public event::Operation {
  public:
    Probe(FakeSink& sink, sink::ProbeDone done)
        : sink_(sink), done_(std::move(done)), soon_(sink.loop_.make_timer([this] { answer(); })) {
        soon_->arm(Duration::zero());
    }

  private:
    void answer() {
        const sink::ProbeDone done = std::move(done_);
        done(sink_.probe_answer_);
    }

    FakeSink& sink_;
    sink::ProbeDone done_;
    std::unique_ptr<event::Timer> soon_;
};

std::unique_ptr<sink::Delivery> FakeSink::deliver(
    const mail::Envelope& envelope, std::shared_ptr<const mail::OutgoingMessage> message,
    sink::DeliveryDone done) {
    return std::make_unique<Delivery>(*this, envelope, octets_of(*message), std::move(done));
}

std::unique_ptr<event::Operation> FakeSink::probe(sink::ProbeDone done) {
    ++probes_;
    return std::make_unique<Probe>(*this, std::move(done));
}

void FakeSink::clear_script() {
    verdicts_.clear();
    faults_.clear();
    hang_ups_.clear();
    probe_answer_ = {};
}

void FakeSink::release() {
    is_holding_ = false;
    for (Delivery* const delivery : under_way_) {
        if (delivery->is_committed()) {
            delivery->answer_soon();
        }
    }
}

void FakeSink::release_one() {
    POSTRIDER_ASSERT(!under_way_.empty());
    under_way_.front()->answer_soon();
}

std::size_t FakeSink::accepted(const std::string& subject, const std::string& recipient) const {
    return static_cast<std::size_t>(
        std::count_if(accepted_.begin(), accepted_.end(), [&](const Accepted& one) {
            return one.subject == subject && (recipient.empty() || one.recipient == recipient);
        }));
}

sink::DeliveryReport FakeSink::answer_to(const mail::Envelope& envelope, const std::string& subject,
                                         const std::string& octets) {
    sink::DeliveryReport report;
    if (hang_ups_.contains(subject)) {
        const Error closed{Errc::closed, Retry::later, "the server closed the connection"};
        report.verdicts.assign(envelope.recipients.size(),
                               {sink::Outcome::later, 0, "", closed.text});
        report.fault = closed;
        report.hung_up = true;
        return report;
    }
    for (const mail::Address& recipient : envelope.recipients) {
        report.verdicts.push_back(verdict_for(subject, recipient.text()));
        if (report.verdicts.back().outcome == sink::Outcome::delivered) {
            accepted_.push_back({subject, recipient.text(), octets, envelope.sender});
        }
    }
    for (const std::string& key : {subject, std::string()}) {
        if (const auto fault = faults_.find(key); fault != faults_.end()) {
            report.fault = fault->second;
            break;
        }
    }
    return report;
}

sink::Verdict FakeSink::verdict_for(const std::string& subject,
                                    const std::string& recipient) const {
    using Key = std::pair<std::string, std::string>;
    for (const Key& key : {Key{subject, recipient}, Key{subject, ""}, Key{"", recipient}, Key{}}) {
        if (const auto found = verdicts_.find(key); found != verdicts_.end()) {
            return found->second;
        }
    }
    return test::accepted();
}

sink::Verdict accepted() {
    return {sink::Outcome::delivered, 250, "2.0.0", "queued"};
}

sink::Verdict put_off() {
    return {sink::Outcome::later, 451, "4.3.0", "try again"};
}

sink::Verdict refused(int code, const std::string& enhanced) {
    return {sink::Outcome::refused, code, enhanced, "no"};
}

}  // namespace postrider::test
