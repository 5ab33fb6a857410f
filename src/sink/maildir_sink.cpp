#include "postrider/sink/maildir_sink.h"

#include <algorithm>
#include <atomic>
#include <random>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "postrider/base/assert.h"

#include "sink/local_content.h"
#include "sink/maildir_files.h"
#include "sink/maildir_path.h"

namespace postrider::sink {

namespace {

/// One copy of a message: for all recipients that come to the same path.
struct Copy {
    std::string path;
    std::vector<std::size_t> recipients;  ///< places in the envelope
    std::optional<UnpublishedMail> unpublished;
    Expected<void> outcome;
};

/// What the jobs of one delivery work on, one job after the other. Shared by the delivery and the
/// job under way.
struct Parcel {
    // Shared with the sink and the other parcels.
    std::shared_ptr<MaildirFiles> files;
    mail::LineEnds line_ends = mail::LineEnds::lf;
    mail::Envelope envelope;
    // Owners: the transfer, this delivery, the job that writes it.
    std::shared_ptr<const mail::OutgoingMessage> message;
    std::vector<Copy> copies;
    std::atomic<bool> is_wanted = true;  ///< the delivery is still there

    void write() {
        const mail::Provenance& provenance = message->provenance();
        const std::int64_t seconds = provenance.received_at
                                         ? std::chrono::floor<std::chrono::seconds>(
                                               provenance.received_at->time_since_epoch())
                                               .count()
                                         : 0;
        const std::string name = maildir_name(seconds, provenance.delivery_id);
        for (Copy& copy : copies) {
            std::string top = return_path_line(envelope);
            for (const std::size_t recipient : copy.recipients) {
                top += fmt::format("Delivered-To: {}\r\n", envelope.recipients[recipient].text());
            }
            LocalContent content(message, std::move(top), line_ends);
            auto written = files->write(copy.path, name, provenance.delivery_id, content);
            if (!written) {
                copy.outcome = failure(written.error());
            } else if (*written) {
                copy.unpublished.emplace(std::move(**written));
            }
        }
    }

    void publish() {
        for (Copy& copy : copies) {
            if (copy.unpublished && is_wanted) {
                copy.outcome =
                    files->publish(copy.path, message->provenance().delivery_id, *copy.unpublished);
                copy.unpublished.reset();
            }
        }
    }
};

/// A fault that is not of this message alone: there is no room, the disk is broken, or all mail
/// goes to one place.
std::optional<Error> fault_of(const Error& error, bool is_one_place) {
    if (error.code == Errc::io || is_one_place) {
        return Error{error.code, Retry::later, error.text};
    }
    return std::nullopt;
}

///   writing -> written --commit--> publishing -> told
class MaildirDelivery final : public Delivery {
  public:
    MaildirDelivery(event::Worker& worker, std::shared_ptr<Parcel> parcel, bool is_one_place,
                    DeliveryDone done)
        : worker_(worker),
          parcel_(std::move(parcel)),
          is_one_place_(is_one_place),
          done_(std::move(done)),
          job_(worker_.run([parcel = parcel_] { parcel->write(); }, [this] { on_written(); })) {}
    MaildirDelivery(const MaildirDelivery&) = delete;
    MaildirDelivery& operator=(const MaildirDelivery&) = delete;
    ~MaildirDelivery() override {
        parcel_->is_wanted = false;
        job_.reset();
        // What lies under tmp/ is removed by who lets go of it last: not this thread.
        const auto unheard = worker_.run(
            [parcel = std::exchange(parcel_, nullptr)]() mutable { parcel.reset(); }, [] {});
    }

    void commit() override {
        is_committed_ = true;
        if (is_written_) {
            publish();
        }
    }

  private:
    void on_written() {
        is_written_ = true;
        const auto& copies = parcel_->copies;
        const bool has_failed = std::none_of(copies.begin(), copies.end(),
                                             [](const Copy& copy) { return copy.outcome; });
        if (has_failed) {
            report();
        } else if (is_committed_) {
            publish();
        }
    }

    void publish() {
        if (!std::exchange(is_published_, true)) {
            job_ = worker_.run([parcel = parcel_] { parcel->publish(); }, [this] { report(); });
        }
    }

    void report() {
        is_published_ = true;
        DeliveryReport report;
        report.verdicts.resize(parcel_->envelope.recipients.size());
        for (const Copy& copy : parcel_->copies) {
            for (const std::size_t recipient : copy.recipients) {
                Verdict& verdict = report.verdicts[recipient];
                verdict.outcome = copy.outcome ? Outcome::delivered : Outcome::later;
                verdict.text = copy.outcome ? "in " + copy.path : copy.outcome.error().text;
            }
            if (!copy.outcome && !report.fault) {
                report.fault = fault_of(copy.outcome.error(), is_one_place_);
            }
        }
        const DeliveryDone done = std::move(done_);
        done(std::move(report));
    }

    event::Worker& worker_;
    std::shared_ptr<Parcel> parcel_;
    const bool is_one_place_;
    DeliveryDone done_;
    bool is_committed_ = false;
    bool is_written_ = false;
    bool is_published_ = false;  ///< the last step was taken, or there is none to take
    std::unique_ptr<event::Operation> job_;
};

class MaildirSink final : public MailSink {
  public:
    MaildirSink(event::Worker& worker, MaildirSettings settings)
        : worker_(worker),
          settings_(std::move(settings)),
          files_(std::make_shared<MaildirFiles>(fmt::format("{:08x}", std::random_device()()))) {}

    std::unique_ptr<Delivery> deliver(const mail::Envelope& envelope,
                                      std::shared_ptr<const mail::OutgoingMessage> message,
                                      DeliveryDone done) override {
        auto parcel = std::make_shared<Parcel>();
        parcel->files = files_;
        parcel->line_ends = settings_.line_ends;
        parcel->envelope = envelope;
        parcel->message = std::move(message);
        const std::string& account = parcel->message->provenance().account;
        for (std::size_t i = 0; i < envelope.recipients.size(); ++i) {
            std::string path = maildir_path(settings_.path, account, envelope.recipients[i]);
            const auto same = std::find_if(parcel->copies.begin(), parcel->copies.end(),
                                           [&path](const Copy& copy) { return copy.path == path; });
            if (same == parcel->copies.end()) {
                parcel->copies.push_back({std::move(path), {i}, std::nullopt, {}});
            } else {
                same->recipients.push_back(i);
            }
        }
        return std::make_unique<MaildirDelivery>(worker_, std::move(parcel),
                                                 !settings_.path.has_places(), std::move(done));
    }

    std::unique_ptr<event::Operation> probe(ProbeDone done) override {
        // Shared by the job and its completion.
        auto outcome = std::make_shared<Expected<void>>();
        const bool is_one_place = !settings_.path.has_places();
        const std::string path =
            is_one_place ? settings_.path.fixed_start() : common_parent(settings_.path);
        return worker_.run(
            [outcome, is_one_place, path, files = files_] {
                *outcome =
                    is_one_place ? files->check_maildir(path) : MaildirFiles::check_parent(path);
            },
            [outcome, done = std::move(done)] {
                if (!*outcome) {
                    outcome->error().retry = Retry::later;  // a person may mend it meanwhile
                }
                done(std::move(*outcome));
            });
    }

  private:
    event::Worker& worker_;
    const MaildirSettings settings_;
    std::shared_ptr<MaildirFiles> files_;  ///< shared with the parcels under way
};

}  // namespace

std::unique_ptr<MailSink> make_maildir_sink(event::Worker& worker, MaildirSettings settings) {
    return std::make_unique<MaildirSink>(worker, std::move(settings));
}

}  // namespace postrider::sink
