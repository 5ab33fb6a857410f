#include <thread>

#include "support/sim_attendant.h"
#include "support/sim_loop.h"
#include "unit/event/attendant_contract.h"

namespace postrider::event {
namespace {

struct ThreadFactory {
    static std::unique_ptr<Attendant> make(std::function<void()> turn) {
        return make_thread_attendant(std::move(turn));
    }
    static void wait_until(const std::function<bool()>& predicate) {
        while (!predicate()) {
            std::this_thread::yield();
        }
    }
};

class SimFactory {
  public:
    std::unique_ptr<Attendant> make(std::function<void()> turn) { return make_(std::move(turn)); }
    void wait_until(const std::function<bool()>& predicate) {
        ASSERT_TRUE(loop_.run_until(predicate, std::chrono::seconds(1)));
    }

  private:
    test::SimLoop loop_;
    AttendantMaker make_ =
        test::make_sim_attendants(loop_, [] { return std::chrono::microseconds(50); });
};

INSTANTIATE_TYPED_TEST_SUITE_P(Thread, AttendantContract, ThreadFactory);
INSTANTIATE_TYPED_TEST_SUITE_P(Sim, AttendantContract, SimFactory);

}  // namespace
}  // namespace postrider::event
