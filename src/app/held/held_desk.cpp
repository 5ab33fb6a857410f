#include "app/held/held_desk.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "postrider/base/text.h"

namespace postrider::app {

namespace {

/// Whose it is; nothing if its envelope is gone.
std::string account_of(const store::HeldCopy& copy) {
    return copy.refusals.empty() ? "" : copy.refusals.front().what.account;
}

}  // namespace

struct HeldDesk::Task {
    bool is_drop = false;
    HeldWork::Other other;
    HeldWork::OnResult on_result;  ///< null: nobody wants to know any more
    HeldWork::Done done;
    std::vector<std::string> ids;  ///< as ordered
    std::set<std::string> left;    ///< of them, those not worked on
    bool is_checked = false;
    /// Of the account that is worked on.
    std::string account;
    bool has_account = false;
};

class HeldDesk::Asking final : public event::Operation {
  public:
    Asking(HeldDesk& desk, std::shared_ptr<Task> task) : desk_(desk), task_(std::move(task)) {}
    Asking(const Asking&) = delete;
    Asking& operator=(const Asking&) = delete;
    ~Asking() override {
        task_->on_result = nullptr;
        task_->done = nullptr;
        task_->left.clear();
        if (desk_.work_ != nullptr && desk_.tasks_.front() == task_) {
            desk_.work_->wind_down();
        }
    }

  private:
    HeldDesk& desk_;
    std::shared_ptr<Task> task_;
};

HeldDesk::HeldDesk(Ground ground) : ground_(std::move(ground)) {}

HeldDesk::~HeldDesk() = default;

std::unique_ptr<event::Operation> HeldDesk::take(Order order, HeldWork::OnResult on_result,
                                                 HeldWork::Done done) {
    auto task = std::make_shared<Task>();
    task->is_drop = order.is_drop;
    task->other = std::move(order.other);
    task->on_result = std::move(on_result);
    task->done = std::move(done);
    task->left = {order.ids.begin(), order.ids.end()};
    task->ids = std::move(order.ids);
    tasks_.push_back(task);
    if (tasks_.size() == 1) {
        look();
    }
    return std::make_unique<Asking>(*this, std::move(task));
}

void HeldDesk::wind_down() {
    is_winding_down_ = true;
    if (work_ != nullptr) {
        work_->wind_down();
    }
}

/// What is held, as it is now; on the worker.
void HeldDesk::look() {
    // Owners: the job, until it is done, and its completion.
    const auto listing = std::make_shared<Expected<store::HeldListing>>();
    ground_.loop.defer_delete(std::move(looking_));
    looking_ = ground_.worker.run([listing, copies = ground_.copies] { *listing = copies.list(); },
                                  [this, listing] {
                                      ground_.loop.defer_delete(std::move(looking_));
                                      on_listed(std::move(*listing));
                                  });
}

void HeldDesk::on_listed(Expected<store::HeldListing> listing) {
    Task& task = *tasks_.front();
    if (!listing) {
        end(failure(listing.error()));
        return;
    }
    if (!std::exchange(task.is_checked, true)) {
        if (auto known = check(*listing); !known) {
            end(known);
            return;
        }
    }
    if (is_winding_down_ && !task.left.empty()) {
        end(failure(Errc::busy, Retry::later,
                    "the daemon is ending: not all was done; try again when it is gone or back"));
    } else if (task.left.empty()) {
        end({});
    } else if (std::exchange(task.has_account, false)) {
        work(task.account, *listing);
    } else {
        begin_account(*listing);
    }
}

Expected<void> HeldDesk::check(const store::HeldListing& listing) const {
    for (const std::string& id : tasks_.front()->ids) {
        const bool is_there =
            std::any_of(listing.copies.begin(), listing.copies.end(),
                        [&id](const store::HeldCopy& copy) { return copy.id == id; });
        if (!is_there) {
            return failure(
                Errc::config, Retry::never,
                fmt::format("no held message {}: `postrider held list` shows them", escaped(id)));
        }
    }
    return {};
}

/// The account of the first that is left; what is held of it is looked at once more when no poll of
/// it is under way.
void HeldDesk::begin_account(const store::HeldListing& listing) {
    Task& task = *tasks_.front();
    const auto first =
        std::find_if(listing.copies.begin(), listing.copies.end(),
                     [&task](const store::HeldCopy& copy) { return task.left.count(copy.id) > 0; });
    if (first == listing.copies.end()) {
        task.left.clear();  // taken away meanwhile
        end({});
        return;
    }
    task.account = account_of(*first);
    if (task.account.empty()) {
        work(task.account, listing);
        return;
    }
    task.has_account = true;
    hold_ = ground_.roster.hold_back(task.account, [this] { look(); });
}

void HeldDesk::work(const std::string& account, const store::HeldListing& listing) {
    Task& task = *tasks_.front();
    std::vector<store::HeldCopy> copies;
    for (const store::HeldCopy& copy : listing.copies) {
        if (account_of(copy) == account && task.left.count(copy.id) > 0) {
            copies.push_back(copy);
        }
    }
    work_ = std::make_unique<HeldWork>(
        HeldWork::Place{ground_.loop, ground_.worker, ground_.ledger, ground_.copies,
                        ground_.spool},
        [&task](const HeldWork::Result& result) {
            task.left.erase(result.id);
            if (task.on_result) {
                task.on_result(result);
            }
        },
        [this](const Expected<void>& done) {
            ground_.loop.defer_delete(std::move(work_));
            hold_.reset();
            if (done) {
                look();
            } else {
                end(done);
            }
        });
    if (task.is_drop) {
        work_->drop(std::move(copies));
    } else {
        work_->retry(std::move(copies), ground_.find_sink, task.other);
    }
}

void HeldDesk::end(const Expected<void>& outcome) {
    const std::shared_ptr<Task> task = tasks_.front();
    tasks_.pop_front();
    hold_.reset();
    if (!tasks_.empty()) {
        look();
    }
    if (task->done) {
        const HeldWork::Done done = std::move(task->done);
        done(outcome);
    }
    if (tasks_.empty()) {
        ground_.on_idle();
    }
}

}  // namespace postrider::app
