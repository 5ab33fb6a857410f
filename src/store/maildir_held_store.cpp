#include "postrider/store/maildir_held_store.h"

#include <utility>

#include "postrider/base/planted.h"

#include "store/held_files.h"

namespace postrider::store {
namespace {

/// One hold() under way. Shared by the worker's job and its completion. A copy that nobody waits
/// for any more is finished all the same; the next attempt finds it.
struct HoldJob {
    std::shared_ptr<HeldFiles> files;  ///< shared with the store, which may end before the job
    HeldMessage what;
    std::shared_ptr<const mail::OutgoingMessage> message;
    Expected<void> result;

    void run() {
        mail::OutgoingMessage::Reader reader(*message);
        if (is_planted("held-without-copy")) return;
        result = files->hold(what, [&reader] { return reader.next(); });
        message.reset();
    }
};

class MaildirHeldStore final : public HeldStore {
  public:
    MaildirHeldStore(event::Worker& worker, std::unique_ptr<HeldFiles> files)
        : worker_(worker), files_(std::move(files)) {}

    [[nodiscard]] std::unique_ptr<event::Operation> hold(
        const HeldMessage& what, std::shared_ptr<const mail::OutgoingMessage> message,
        HoldDone done) override {
        auto job = std::make_shared<HoldJob>(HoldJob{files_, what, std::move(message), {}});
        return worker_.run([job] { job->run(); },
                           [job, done = std::move(done)] { done(job->result); });
    }

  private:
    event::Worker& worker_;
    std::shared_ptr<HeldFiles> files_;  ///< shared with the jobs under way
};

}  // namespace

Expected<std::unique_ptr<HeldStore>> make_held_store(event::Worker& worker, const StateDir& state) {
    auto files = HeldFiles::open(state.descriptor(), state.held_path());
    if (!files) {
        return failure(files.error());
    }
    return std::make_unique<MaildirHeldStore>(worker, *std::move(files));
}

}  // namespace postrider::store
