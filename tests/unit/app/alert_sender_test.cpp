#include "app/alerts/alert_sender.h"

#include <csignal>

#include <gmock/gmock.h>

#include "support/temp_dir.h"

namespace postrider::app {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

config::Environment environment() {
    return {{{"PATH", "/usr/bin:/bin"}}, 0};
}

config::Alerts by_command(std::vector<std::string> argv) {
    config::Alerts alerts;
    alerts.command = std::move(argv);
    return alerts;
}

TEST(AlertSender, SaysItInJson) {
    const Alert alert{{"account", "alice"}, false, WallTime{1h}, "no \"answer\"\xff"};
    EXPECT_EQ(alert_json(alert, "mx"),
              "{\"event\":\"trouble\",\"host\":\"mx\",\"kind\":\"account\",\"name\":\"alice\","
              "\"since\":\"1970-01-01T01:00:00Z\",\"text\":\"no \\\"answer\\\"\xef\xbf\xbd\"}\n");
    EXPECT_THAT(alert_json({{"destination", "d"}, true, {}, ""}, ""), HasSubstr("\"recovery\""));
}

TEST(AlertSender, AProgramGetsItOnItsInput) {
    const test::TempDir place;
    const auto sent =
        send_alert(by_command({"sh", "-c", "cat > \"$0\"", place / "out"}), "{}\n", environment());
    ASSERT_TRUE(sent) << sent.error().text;
    EXPECT_EQ(test::read_whole(place / "out"), "{}\n");
}

TEST(AlertSender, AProgramThatFailsOrIsNotThereIsToldForLater) {
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));  // as main() does
    for (const auto& argv : {std::vector<std::string>{"sh", "-c", "exit 3"},
                             std::vector<std::string>{"/no/such/program"}}) {
        const auto sent = send_alert(by_command(argv), "{}\n", environment());
        ASSERT_FALSE(sent);
        EXPECT_EQ(sent.error().retry, Retry::later);
    }
    EXPECT_THAT(send_alert(by_command({"sh", "-c", "exit 3"}), "", environment()).error().text,
                HasSubstr("status 3"));
}

TEST(AlertSender, AWebhookThatIsNotThereIsToldForLater) {
    config::Alerts alerts;
    alerts.webhook = "http://127.0.0.1:1/";
    const auto sent = send_alert(alerts, "{}\n", environment());
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().retry, Retry::later);
    alerts.webhook = "file:///etc/passwd";
    EXPECT_FALSE(send_alert(alerts, "{}\n", environment()));
}

}  // namespace
}  // namespace postrider::app
