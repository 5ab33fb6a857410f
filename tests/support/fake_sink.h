#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "postrider/event/loop.h"
#include "postrider/sink/sink.h"

namespace postrider::test {

/// A destination that plays a script. It knows a message by its Subject and accepts whatever the
/// script does not speak of. A message is accepted at the turn that answers, after its commit.
class FakeSink final : public sink::MailSink {
  public:
    /// One recipient who got one message.
    struct Accepted {
        std::string subject;
        std::string recipient;
        std::string octets;
        std::optional<mail::Address> sender = std::nullopt;
    };

    /// `loop` outlives the sink, and the sink its operations.
    explicit FakeSink(event::Loop& loop) : loop_(loop) {}

    [[nodiscard]] std::unique_ptr<sink::Delivery> deliver(
        const mail::Envelope& envelope, std::shared_ptr<const mail::OutgoingMessage> message,
        sink::DeliveryDone done) override;
    [[nodiscard]] std::unique_ptr<event::Operation> probe(sink::ProbeDone done) override;

    // The script. An empty subject or recipient stands for every one without a line of its own.

    void answer(const std::string& subject, const sink::Verdict& verdict,
                const std::string& recipient = {}) {
        verdicts_.insert_or_assign({subject, recipient}, verdict);
    }
    void fault_at(const std::string& subject, Error fault) { faults_[subject] = std::move(fault); }
    /// The connection ends in the midst of this message, before anybody answers.
    void hang_up_on(const std::string& subject) { hang_ups_.insert(subject); }
    void answer_probes(Expected<void> answer) { probe_answer_ = std::move(answer); }
    /// Accepts everything from now on.
    void clear_script();

    /// Answers to deliveries wait until release() or release_one().
    void hold_answers() { is_holding_ = true; }
    void release();
    void release_one();

    // Looking.

    [[nodiscard]] const std::vector<Accepted>& accepted() const { return accepted_; }
    /// How many recipients got this message, or how often `recipient` did.
    [[nodiscard]] std::size_t accepted(const std::string& subject,
                                       const std::string& recipient = {}) const;
    /// Subjects of what was committed, in order.
    [[nodiscard]] const std::vector<std::string>& committed() const { return committed_; }
    /// Subjects of what was tried, in order.
    [[nodiscard]] const std::vector<std::string>& tried() const { return tried_; }
    [[nodiscard]] std::size_t under_way() const { return under_way_.size(); }
    [[nodiscard]] std::size_t most_under_way() const { return most_under_way_; }
    [[nodiscard]] std::size_t probes() const { return probes_; }

  private:
    class Delivery;
    class Probe;

    [[nodiscard]] sink::DeliveryReport answer_to(const mail::Envelope& envelope,
                                                 const std::string& subject,
                                                 const std::string& octets);
    [[nodiscard]] sink::Verdict verdict_for(const std::string& subject,
                                            const std::string& recipient) const;

    event::Loop& loop_;
    std::map<std::pair<std::string, std::string>, sink::Verdict> verdicts_;
    std::map<std::string, Error> faults_;
    std::set<std::string> hang_ups_;
    Expected<void> probe_answer_;
    bool is_holding_ = false;
    std::vector<Delivery*> under_way_;
    std::size_t most_under_way_ = 0;
    std::size_t probes_ = 0;
    std::vector<std::string> tried_;
    std::vector<std::string> committed_;
    std::vector<Accepted> accepted_;
};

// Verdicts of everyday life.
[[nodiscard]] sink::Verdict accepted();
[[nodiscard]] sink::Verdict put_off();  ///< 451
[[nodiscard]] sink::Verdict refused(int code, const std::string& enhanced = "5.7.1");

}  // namespace postrider::test
