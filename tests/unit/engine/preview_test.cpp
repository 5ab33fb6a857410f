#include "postrider/engine/preview.h"

#include "unit/engine/poll_fixture.h"

namespace postrider::engine {
namespace {

class PreviewTest : public PollTest {
  protected:
    Expected<PreviewResult> preview() {
        std::optional<Expected<PreviewResult>> result;
        const auto operation =
            engine::preview(loop, ledger, source, policy,
                            [&](Expected<PreviewResult> done) { result = std::move(done); });
        EXPECT_TRUE(loop.run_until([&] { return result.has_value(); }, 1min));
        loop.run_until_idle();
        EXPECT_EQ(source.sessions(), 0U);
        return result ? *result : failure(Errc::timed_out, Retry::never, "no result");
    }
};

TEST_F(PreviewTest, SaysWhatAPollWouldFetchAndDelete) {
    policy.delete_after = 24h;
    add("old");
    good_poll();
    loop.advance(24h);
    add("new");
    const auto result = preview();
    ASSERT_TRUE(result);
    EXPECT_EQ(result->listed, 2U);
    ASSERT_EQ(result->plan.fetch.size(), 1U);
    EXPECT_EQ(result->plan.fetch.front().remote.uid, "new");
    ASSERT_EQ(result->remove.size(), 1U);
    EXPECT_EQ(result->remove.front().remote.uid, "old");
}

TEST_F(PreviewTest, KnowsWhatAnInterruptedSessionHasLeft) {
    source.capabilities.consumes_on_settle = true;
    source.capabilities.forbids_keeping = true;
    add_some(2);
    sink.answer("m2", test::put_off());
    EXPECT_TRUE(poll().error);
    const auto result = preview();
    ASSERT_TRUE(result);
    ASSERT_EQ(result->remove.size(), 1U);
    EXPECT_EQ(result->remove.front().remote.uid, "m1");
}

TEST_F(PreviewTest, TouchesNothing) {
    policy.delete_after = 0s;
    add_some(2);
    sink.answer("m2", test::put_off());
    source.quit = test::FakeQuit::refused_none_deleted;
    poll();
    source.quit = test::FakeQuit::good;
    source.take_away("m2");
    source.forget_calls();
    const std::size_t calls = ledger.calls().size();
    ASSERT_TRUE(preview());
    EXPECT_EQ(source.calls(), (std::vector<std::string>{"open", "settle", "close"}));
    ASSERT_EQ(ledger.calls().size(), calls + 1);
    EXPECT_EQ(ledger.calls().back().kind, test::MemoryLedger::Call::Kind::load);
    EXPECT_TRUE(source.holds("m1"));
}

TEST_F(PreviewTest, KnowsTheListingEvenIfQuitGoesWrong) {
    add("m1");
    source.quit = test::FakeQuit::unanswered_none_deleted;
    EXPECT_TRUE(preview());
    source.fails_at = 1;
    EXPECT_TRUE(preview());
}

TEST_F(PreviewTest, TellsWhyItCannotSay) {
    source.fails_at = 0;
    const auto lost = preview();
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().text, "connection lost");
    ledger.fail_next_load({Errc::io, Retry::later, "disk"});
    const auto unread = preview();
    ASSERT_FALSE(unread);
    EXPECT_EQ(unread.error().text, "disk");
}

}  // namespace
}  // namespace postrider::engine
