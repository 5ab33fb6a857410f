#include "app/control/control_talk.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "support/temp_dir.h"
#include "unit/app/held_samples.h"
#include "unit/app/roster_fixture.h"

namespace postrider::app {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ControlTalkTest : public RosterTest {
  protected:
    ControlTalkTest() { outlets["local"] = outlet; }

    /// The lines of the answer to a request.
    std::vector<json> ask(const std::string& request) {
        talk.take(request);
        return answer();
    }
    std::vector<json> answer() {
        std::string text;
        talk.fill(text, 1UL << 30U);
        std::vector<json> lines;
        while (!text.empty()) {
            lines.push_back(json::parse(text.substr(0, text.find('\n'))));
            text.erase(0, text.find('\n') + 1);
        }
        return lines;
    }
    std::string error_of(const std::string& request) {
        const std::vector<json> lines = ask(request);
        EXPECT_EQ(lines.size(), 1U);
        EXPECT_EQ(lines.back().value("kind", ""), "usage");
        return lines.back().value("error", "");
    }
    void expect_done(const std::string& request) {
        EXPECT_THAT(ask(request), ElementsAre(json{{"done", true}}));
    }
    /// ... when it is durable.
    void expect_kept(const std::string& request) {
        EXPECT_TRUE(ask(request).empty());
        ASSERT_EQ(kept.size(), 1U);
        std::exchange(kept, {}).front()({});
        EXPECT_THAT(answer(), ElementsAre(json{{"done", true}}));
    }

    TraceDesk traces;
    std::map<std::string, std::shared_ptr<Outlet>> outlets;
    std::vector<ReloadDone> reloads;
    test::TempDir directory;
    store::StateDir state_dir{*store::StateDir::open(directory / "state")};
    test_held::Place place{loop, worker, ledger, state_dir};
    HeldDesk desk{{loop,
                   worker,
                   ledger,
                   roster,
                   [this](const std::string& name) -> std::shared_ptr<sink::MailSink> {
                       return name == "local" ? std::shared_ptr<sink::MailSink>(outlet, fake_sink)
                                              : nullptr;
                   },
                   store::HeldCopies(state_dir.path()),
                   {state_dir.spool_path()},
                   [] {}}};
    std::vector<PauseBook::Done> kept;
    std::size_t more = 0;
    ControlTalk::Ground ground{loop,
                               roster,
                               traces,
                               outlets,
                               [] { return DaemonFacts{}; },
                               [this](ReloadDone done) { reloads.push_back(std::move(done)); },
                               desk,
                               [this](PauseBook::Done done) { kept.push_back(std::move(done)); }};
    ControlTalk talk{ground, ControlPeer::owner, [this] { ++more; }};
};

TEST_F(ControlTalkTest, StatusTellsTheDaemonItsDestinationsAndItsAccounts) {
    mailbox("a").add("1", test::plain_mail("1", 200));
    apply({account("a"), account("b")});
    loop.advance(10s);
    const std::vector<json> lines = ask(R"({"command": "status"})");
    ASSERT_EQ(lines.size(), 5U);
    EXPECT_EQ(lines[0]["daemon"]["accounts"], 2);
    EXPECT_EQ(lines[1]["destination"]["name"], "local");
    EXPECT_EQ(lines[1]["destination"]["state"], "open");
    const json& a = lines[2]["account"];
    EXPECT_EQ(a["name"], "a");
    EXPECT_EQ(a["state"], "waiting");
    EXPECT_EQ(a["delivered"], 1);
    EXPECT_EQ(a["backlog"], 0);
    EXPECT_EQ(a["polls"], 1);
    EXPECT_TRUE(a.contains("next_poll") && a.contains("last_success"));
    EXPECT_FALSE(a.contains("trouble"));
    EXPECT_EQ(lines[3]["account"]["name"], "b");
    EXPECT_EQ(lines[4], (json{{"done", true}}));
}

TEST_F(ControlTalkTest, StatusOfOneAccountTellsItsTrouble) {
    mailbox("a").fails_at = 0;
    mailbox("a").fails_with = {Errc::login_refused, Retry::never, "PASS refused: check password"};
    apply({account("a"), account("b")});
    loop.advance(10s);
    const std::vector<json> lines = ask(R"({"command": "status", "account": "a"})");
    ASSERT_EQ(lines.size(), 4U);
    const json& a = lines[2]["account"];
    EXPECT_EQ(a["trouble"]["text"], "PASS refused: check password");
    EXPECT_EQ(a["trouble"]["class"], to_text(Errc::login_refused));
    EXPECT_EQ(a["failures_in_row"], 1);
}

TEST_F(ControlTalkTest, AnswersComeAsThereIsRoom) {
    std::vector<config::AccountConfig> accounts;
    for (char name = 'a'; name <= 'z'; ++name) {
        accounts.push_back(account(std::string(1, name)));
    }
    apply(std::move(accounts));
    talk.take(R"({"command": "status"})");
    // Daemon, destination, 26 accounts, done.
    for (int line = 1; line <= 29; ++line) {
        std::string text;
        talk.fill(text, 0);
        EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
        EXPECT_EQ(text == "{\"done\":true}\n", line == 29) << text;
    }
    EXPECT_FALSE(talk.is_busy());
    EXPECT_TRUE(answer().empty());
}

TEST_F(ControlTalkTest, PollsPausesAndResumes) {
    apply({account("a"), account("b")});
    loop.advance(10s);
    expect_done(R"({"command": "poll", "account": "a"})");
    loop.advance(10s);
    EXPECT_EQ(tally("a").polls, 2U);
    EXPECT_EQ(tally("b").polls, 1U);
    expect_kept(R"({"command": "pause"})");
    loop.advance(24h);
    EXPECT_EQ(tally("a").polls + tally("b").polls, 3U);
    EXPECT_EQ(state("a"), State::paused);
    expect_done(R"({"command": "poll"})");
    loop.advance(10s);
    EXPECT_EQ(tally("a").polls, 2U) << "all, but for those that are paused";
    expect_kept(R"({"command": "resume", "account": "a"})");
    loop.advance(10min);
    EXPECT_GE(tally("a").polls, 3U);
    EXPECT_EQ(tally("b").polls, 1U);
    expect_kept(R"({"command": "resume"})");
    loop.advance(10min);
    EXPECT_GE(tally("b").polls, 2U);
}

TEST_F(ControlTalkTest, APauseThatIsNotDurableIsTold) {
    apply({account("a")});
    talk.take(R"({"command": "pause", "account": "a"})");
    std::exchange(kept, {}).front()(failure(Errc::io, Retry::later, "no room"));
    const std::vector<json> lines = answer();
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_EQ(lines[0]["kind"], "failed");
    EXPECT_THAT(lines[0].value("error", ""), HasSubstr("only until the daemon ends: no room"));
    EXPECT_EQ(state("a"), State::paused);
}

TEST_F(ControlTalkTest, HeldMessagesAreDeliveredOrGivenUpMessageByMessage) {
    apply({account("a")});
    const std::string one = test_held::hold(place, "a", "m1", {"bob@example.org"});
    loop.advance(1s);
    const std::string two = test_held::hold(place, "a", "m2", {"bob@example.org"});
    fake_sink->answer("m2", test::refused(554, "5.6.0"));
    EXPECT_TRUE(ask(R"({"command": "held", "action": "retry", "ids": [")" + one + R"(", ")" + two +
                    R"("]})")
                    .empty());
    EXPECT_TRUE(talk.is_busy());
    loop.advance(10s);
    EXPECT_THAT(
        answer(),
        ElementsAre(
            json{{"held", {{"id", one}, {"outcome", "delivered"}, {"answer", "250 2.0.0 queued"}}}},
            json{{"held",
                  {{"id", two},
                   {"outcome", "refused"},
                   {"answer", "bob@example.org: 554 5.6.0 no"}}}},
            json{{"done", true}}));
    EXPECT_TRUE(ask(R"({"command": "held", "action": "drop", "ids": [")" + two + R"("]})").empty());
    loop.advance(10s);
    EXPECT_EQ(answer().front()["held"]["outcome"], "dropped");
    talk.take(R"({"command": "held", "action": "drop", "ids": [")" + two + R"("]})");
    loop.advance(10s);
    const std::vector<json> lines = answer();
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_EQ(lines[0]["kind"], "usage") << "it is gone";
}

TEST_F(ControlTalkTest, HeldMessagesAreForTheOwnerAlone) {
    ControlTalk member(ground, ControlPeer::of_group, [this] { ++more; });
    member.take(R"({"command": "held", "action": "drop", "ids": ["x"]})");
    std::string text;
    member.fill(text, 10000);
    EXPECT_THAT(text, HasSubstr(R"("kind":"refused")"));
    EXPECT_TRUE(desk.is_idle());
}

TEST_F(ControlTalkTest, TellsWhatIsWrongWithAnOrderForHeldMail) {
    const std::string id = test_held::hold(place, "a", "m1", {"bob@example.org"});
    EXPECT_THAT(error_of(R"({"command": "held"})"), HasSubstr("retry or drop"));
    EXPECT_THAT(error_of(R"({"command": "held", "action": "list", "ids": ["x"]})"),
                HasSubstr("retry or drop"));
    EXPECT_THAT(error_of(R"({"command": "held", "action": "drop", "ids": []})"), HasSubstr("ids"));
    EXPECT_THAT(error_of(R"({"command": "held", "action": "drop", "ids": [7]})"), HasSubstr("ids"));
    EXPECT_THAT(
        error_of(R"({"command": "held", "action": "retry", "ids": ["x"], "to": "elsewhere"})"),
        HasSubstr("no destination 'elsewhere'"));
    EXPECT_THAT(error_of(R"({"command": "held", "action": "retry", "ids": ["x"], "for": "bob"})"),
                HasSubstr("list of addresses"))
        << "it must not go to whom it was for instead";
    EXPECT_THAT(error_of(R"({"command": "held", "action": "retry", "ids": ["x"], "to": 7})"),
                HasSubstr("name of a destination"));
    EXPECT_THAT(
        error_of(R"({"command": "held", "action": "retry", "ids": ["x"], "for": ["a b@c"]})"),
        HasSubstr("for: "));
    loop.advance(10s);
    EXPECT_TRUE(fake_sink->tried().empty());
}

TEST_F(ControlTalkTest, TellsWhatIsWrongWithARequest) {
    apply({account("alice")});
    EXPECT_THAT(error_of("poll"), HasSubstr("JSON object"));
    EXPECT_THAT(error_of("[]"), HasSubstr("JSON object"));
    EXPECT_THAT(error_of(R"({"command": 7})"), HasSubstr("JSON object"));
    EXPECT_THAT(error_of(R"({"command": "pol"})"), HasSubstr("did you mean 'poll'?"));
    EXPECT_THAT(error_of(R"({"command": "poll", "account": "alic"})"),
                HasSubstr("did you mean 'alice'?"));
    EXPECT_THAT(error_of(R"({"command": "trace"})"), HasSubstr("wants an account"));
    EXPECT_THAT(error_of("\xff"), HasSubstr("JSON object"));
}

TEST_F(ControlTalkTest, ReloadTellsItsOutcomeWhenItIsThere) {
    EXPECT_TRUE(ask(R"({"command": "reload"})").empty());
    EXPECT_TRUE(talk.is_busy());
    ASSERT_EQ(reloads.size(), 1U);
    reloads.front()({{{{"c.yaml", 1, 2}, "accounts", "is wrong"}}, "all stays as it was"});
    EXPECT_EQ(more, 1U);
    EXPECT_THAT(answer(),
                ElementsAre(json{{"problem", "c.yaml:1:2: accounts: is wrong"}},
                            json{{"summary", "all stays as it was"}}, json{{"done", true}}));
    EXPECT_FALSE(talk.is_busy());
}

TEST_F(ControlTalkTest, WhoHasGoneIsNotToldOfItsReload) {
    {
        ControlTalk gone(ground, ControlPeer::owner, [this] { ++more; });
        gone.take(R"({"command": "reload"})");
    }
    reloads.front()({{}, "1 account added"});
    EXPECT_EQ(more, 0U);
}

TEST_F(ControlTalkTest, ATraceIsToldLineByLineUntilItsReaderGoes) {
    apply({account("a"), account("b")});
    const auto transcript = traces.transcript_of("a");
    const auto other = traces.transcript_of("b");
    EXPECT_FALSE(transcript->is_wanted());
    {
        ControlTalk listener(ground, ControlPeer::of_group, [this] { ++more; });
        listener.take(R"({"command": "trace", "account": "a"})");
        EXPECT_TRUE(transcript->is_wanted());
        EXPECT_FALSE(other->is_wanted());
        transcript->client("CAPA");
        transcript->server("+OK");
        transcript->note("done");
        EXPECT_EQ(more, 3U);
        std::string text;
        listener.fill(text, 10000);
        EXPECT_THAT(text, HasSubstr(R"("from":"client","line":"CAPA")"));
        EXPECT_THAT(text, HasSubstr(R"("from":"server","line":"+OK")"));
        EXPECT_TRUE(listener.is_busy());
    }
    EXPECT_FALSE(transcript->is_wanted());
}

TEST_F(ControlTalkTest, ASlowReaderOfATraceMissesLinesAndIsToldHowMany) {
    apply({account("a")});
    const auto transcript = traces.transcript_of("a");
    talk.take(R"({"command": "trace", "account": "a"})");
    for (std::size_t i = 0; i < kMaxWaitingLines + 10; ++i) {
        transcript->server("+OK");
    }
    EXPECT_EQ(answer().size(), kMaxWaitingLines);
    transcript->server("+OK");
    EXPECT_EQ(answer().front(), (json{{"left_out", 11}}));
}

}  // namespace
}  // namespace postrider::app
