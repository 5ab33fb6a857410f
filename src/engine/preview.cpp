#include "postrider/engine/preview.h"

#include <optional>
#include <utility>

#include "postrider/base/assert.h"
#include "postrider/mail/date.h"

#include "engine/quirks.h"

namespace postrider::engine {

namespace {

using PreviewDone = std::function<void(Expected<PreviewResult>)>;

/// load -> list -> plan -> QUIT: without RETR or DELE, QUIT changes nothing on any server.
class Preview final : public event::Operation, private source::SourceEvents {
  public:
    Preview(event::Loop& loop, store::Ledger& ledger, source::SourceFactory& source,
            AccountPolicy policy, PreviewDone done)
        : loop_(loop), source_(source), policy_(std::move(policy)), done_(std::move(done)) {
        loading_ = ledger.load(policy_.account, [this](Expected<store::AccountRecords> known) {
            if (!known) {
                end(failure(known.error()));
                return;
            }
            known_ = std::move(*known);
            session_ = source_.open(*this, quirks_of(known_.state, loop_.wall_now()));
            session_->start();
        });
    }

  private:
    void on_listed(const source::Listing& listing,
                   const source::Capabilities& capabilities) override {
        listing_ = listing;
        forbids_keeping_ = capabilities.forbids_keeping;
        if (!known_.known && policy_.initial.kind == Initial::Kind::since &&
            capabilities.has_heads && !listing.messages.empty()) {
            heads_asked_ = listing.messages.size();
            for (const source::RemoteMessage& remote : listing.messages) {
                session_->head(remote.number);
            }
            return;
        }
        make_result();
    }
    void on_head(std::uint32_t /*number*/, Expected<std::string> head) override {
        if (head) {
            listing_.messages[listing_.messages.size() - heads_asked_].dated =
                mail::received_date(*head);
        }
        if (--heads_asked_ == 0) {
            make_result();
        }
    }
    void make_result() {
        const source::Listing& listing = listing_;
        PreviewResult result;
        result.plan = plan(listing, known_, policy_, loop_.wall_now());
        result.remove = removable(listing, result.plan.records, {}, policy_, loop_.wall_now());
        if (forbids_keeping_) {
            add_leftovers(result.remove, result.plan.leftovers);
        }
        result.listed = listing.messages.size();
        result_ = std::move(result);
        session_->settle();
    }
    void on_settled(const Expected<void>& /*outcome*/) override { end(std::move(*result_)); }
    void on_failed(const Error& error) override {
        if (result_) {
            end(std::move(*result_));
        } else {
            end(failure(error));
        }
    }

    // Nothing was asked that these would answer.
    void on_fetched(std::uint32_t /*number*/, mail::Message /*message*/) override {
        POSTRIDER_ASSERT(false);
    }
    void on_fetch_refused(std::uint32_t /*number*/, const Error& /*error*/) override {
        POSTRIDER_ASSERT(false);
    }
    void on_removed(std::uint32_t /*number*/) override { POSTRIDER_ASSERT(false); }
    void on_remove_refused(std::uint32_t /*number*/, const Error& /*error*/) override {
        POSTRIDER_ASSERT(false);
    }

    void end(Expected<PreviewResult> result) {
        loop_.defer_delete(std::move(session_));
        const PreviewDone done = std::move(done_);
        done(std::move(result));
    }

    event::Loop& loop_;
    source::SourceFactory& source_;
    const AccountPolicy policy_;
    PreviewDone done_;
    store::AccountRecords known_;
    source::Listing listing_;
    bool forbids_keeping_ = false;  ///< the server
    std::size_t heads_asked_ = 0;   ///< without an answer
    std::optional<PreviewResult> result_;
    std::unique_ptr<event::Operation> loading_;
    std::unique_ptr<source::MailSource> session_;
};

}  // namespace

std::unique_ptr<event::Operation> preview(event::Loop& loop, store::Ledger& ledger,
                                          source::SourceFactory& source,
                                          const AccountPolicy& policy, PreviewDone done) {
    return std::make_unique<Preview>(loop, ledger, source, policy, std::move(done));
}

}  // namespace postrider::engine
