#include "app/metrics/metrics_page.h"

#include <string>

#include <gmock/gmock.h>

#include "unit/app/roster_fixture.h"

namespace postrider::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class MetricsPageTest : public RosterTest {
  protected:
    MetricsPageTest() { outlets["local"] = outlet; }

    std::string page(config::MetricsOf accounts = config::MetricsOf::automatic) {
        const ProcessFigures process;
        return metrics_page(
            {roster, outlets, facts, ledger_figures, process, {loop.now(), loop.wall_now()}},
            accounts);
    }
    void expect_line(const std::string& line) { EXPECT_THAT(page(), HasSubstr(line + "\n")); }

    std::map<std::string, std::shared_ptr<Outlet>> outlets;
    DaemonFacts facts;
    LedgerFigures ledger_figures;
};

// R-012
TEST_F(MetricsPageTest, TellsWhatBecameOfEachAccount) {
    mailbox("a").add("1", test::plain_mail("1", 200));
    mailbox("b").fails_at = 0;
    mailbox("b").fails_with = {Errc::login_refused, Retry::never, "no"};
    apply({account("a"), account("b")});
    loop.advance(10s);
    expect_line(R"(postrider_polls_total{account="a",result="good"} 1)");
    expect_line(R"(postrider_polls_total{account="a",result="failed"} 0)");
    expect_line(R"(postrider_polls_total{account="b",result="failed"} 1)");
    expect_line(R"(postrider_messages_total{account="a",fate="delivered"} 1)");
    expect_line(R"(postrider_received_bytes_total{account="a"} )" +
                std::to_string(tally("a").octets));
    expect_line(R"(postrider_poll_duration_seconds_count{account="a"} 1)");
    expect_line(R"(postrider_poll_duration_seconds_bucket{account="a",le="+Inf"} 1)");
    expect_line(R"(postrider_errors_total{account="b",class="login-refused"} 1)");
    expect_line(R"(postrider_account_up{account="a"} 1)");
    expect_line(R"(postrider_account_up{account="b"} 0)");
    expect_line(R"(postrider_backlog_messages{account="a"} 0)");
    expect_line("postrider_accounts_in_trouble 1");
    expect_line(R"(postrider_accounts{state="waiting"} 2)");
    EXPECT_THAT(page(),
                HasSubstr("postrider_account_last_success_timestamp_seconds{account=\"a\"}"));
    EXPECT_THAT(page(),
                Not(HasSubstr("postrider_account_last_success_timestamp_seconds{account=\"b\"}")));
}

TEST_F(MetricsPageTest, TellsDestinations) {
    mailbox("a").add("1", test::plain_mail("1", 200));
    apply({account("a")});
    loop.advance(10s);
    expect_line(R"(postrider_destination_up{destination="local"} 1)");
    expect_line(R"(postrider_deliveries_total{destination="local",answer="accepted"} 1)");
    expect_line(R"(postrider_delivery_duration_seconds_count{destination="local"} 1)");
    mailbox("a").add("2", test::plain_mail("2", 200));
    fake_sink->hold_answers();
    roster.poll_now("a");
    loop.advance(7s);
    fake_sink->release();
    loop.advance(1s);
    expect_line(R"(postrider_delivery_duration_seconds_bucket{destination="local",le="5"} 1)");
    expect_line(R"(postrider_delivery_duration_seconds_bucket{destination="local",le="10"} 2)");
    outlet->destination.on_fault({Errc::network, Retry::later, "down"}, loop.now());
    expect_line(R"(postrider_destination_up{destination="local"} 0)");
    expect_line(R"(postrider_destination_stopped{destination="local"} 0)");
    outlet->destination.on_fault({Errc::refused, Retry::never, "530"}, loop.now());
    expect_line(R"(postrider_destination_stopped{destination="local"} 1)");
}

TEST_F(MetricsPageTest, AccountsAreToldApartOnlyWhereThatIsNotTooMuch) {
    apply({account("a"), account("b")});
    loop.advance(10s);
    EXPECT_THAT(page(config::MetricsOf::total), Not(HasSubstr("account=")));
    EXPECT_THAT(page(config::MetricsOf::total),
                HasSubstr("postrider_polls_total{result=\"good\"} 2\n"));
    std::vector<config::AccountConfig> many;
    for (std::size_t i = 0; i <= kMaxAccountsOfTheirOwn; ++i) {
        many.push_back(account("n" + std::to_string(i)));
    }
    apply(std::move(many));
    EXPECT_THAT(page(config::MetricsOf::automatic), Not(HasSubstr("account=")));
    EXPECT_THAT(page(config::MetricsOf::each), HasSubstr("account=\"n500\""));
}

TEST_F(MetricsPageTest, SumsDoNotFallWhenAnAccountIsRemoved) {
    mailbox("a").add("1", test::plain_mail("1", 200));
    apply({account("a"), account("b")});
    loop.advance(10s);
    apply({account("b")});
    EXPECT_THAT(page(config::MetricsOf::total),
                HasSubstr("postrider_messages_total{fate=\"delivered\"} 1\n"));
}

TEST_F(MetricsPageTest, TellsTheProcess) {
    facts.loop_lag = 250ms;
    facts.connections = 12;
    facts.held_copies = 3;
    facts.is_reload_good = false;
    ledger_figures.commits.add(20ms);
    ledger_figures.failures = 2;
    expect_line("postrider_loop_lag_seconds 0.25");
    expect_line("postrider_open_connections 12");
    expect_line("postrider_held_messages 3");
    expect_line("postrider_config_last_reload_successful 0");
    expect_line("postrider_ledger_commit_seconds_bucket{le=\"0.01\"} 0");
    expect_line("postrider_ledger_commit_seconds_bucket{le=\"0.05\"} 1");
    expect_line("postrider_ledger_commit_seconds_sum 0.02");
    expect_line("postrider_ledger_failures_total 2");
}

TEST(ProcessFigures, AreThoseOfThisProcess) {
    const ProcessFigures figures = ProcessFigures::now();
    EXPECT_GT(figures.resident_octets, 1024U * 1024U);
    EXPECT_GE(figures.open_files, 3U);
    EXPECT_GE(figures.max_files, figures.open_files);
    EXPECT_GE(figures.threads, 1U);
}

TEST(Histogram, CountsUpToAndIncludingItsBounds) {
    Histogram histogram;
    histogram.add(10ms);
    histogram.add(11ms);
    histogram.add(1h);
    EXPECT_EQ(histogram.counts().front(), 1U);
    EXPECT_EQ(histogram.counts().at(1), 1U);
    EXPECT_EQ(histogram.counts().back(), 1U);
    EXPECT_NEAR(histogram.sum(), 3600.021, 1e-9);
    Histogram twice = histogram;
    twice.add(histogram);
    EXPECT_EQ(twice.counts().back(), 2U);
}

}  // namespace
}  // namespace postrider::app
