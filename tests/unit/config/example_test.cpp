// The example configuration and its JSON Schema say what the loader takes, no less and no more.
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/accounts.h"
#include "config/daemon_keys.h"
#include "config/destinations.h"
#include "config/document.h"
#include "config/pacing.h"
#include "config/password.h"
#include "config/providers.h"
#include "config/recipients.h"
#include "config/retention.h"
#include "config/root.h"
#include "config/smtp_keys.h"
#include "config/transport.h"
#include "config/via.h"
#include "config_fixture.h"

namespace postrider::config {
namespace {

using ::testing::IsEmpty;
using ::testing::UnorderedElementsAreArray;

std::string example(const std::string& name) {
    return std::filesystem::path(POSTRIDER_SOURCE_DIR) / "etc" / name;
}

std::string text_of(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

TEST(Example, LoadsAsItIs) {
    const auto result = load(example("postrider.yaml"), {{{"HOME", "/h"}}, 1000});
    for (const Problem& problem : result.problems) {
        ADD_FAILURE() << problem.to_text();
    }
    ASSERT_TRUE(result.config);
    EXPECT_EQ(result.config->accounts.size(), 1U);
    EXPECT_EQ(result.config->destinations.size(), 2U);
}

TEST(Example, ShowsTheDefaultsAsTheyAre) {
    const auto shown = load(example("postrider.yaml"), {{{"HOME", "/h"}}, 1000});
    ASSERT_TRUE(shown.config);
    EXPECT_EQ(shown.config->limits.memory, Limits().memory);
    EXPECT_EQ(shown.config->limits.polls, Limits().polls);
    EXPECT_EQ(shown.config->limits.polls_per_host, Limits().polls_per_host);
    const AccountConfig& account = shown.config->accounts.front();
    const AccountTimeouts waits;
    EXPECT_EQ(account.timeouts.connect, waits.connect);
    EXPECT_EQ(account.timeouts.greeting, waits.greeting);
    EXPECT_EQ(account.timeouts.tls, waits.tls);
    EXPECT_EQ(account.timeouts.login, waits.login);
    EXPECT_EQ(account.timeouts.reply, waits.reply);
    EXPECT_EQ(account.timeouts.quit, waits.quit);
    EXPECT_EQ(account.timeouts.session, waits.session);
    EXPECT_EQ(account.min_rate, AccountConfig().min_rate);
    EXPECT_EQ(account.min_rate_over, AccountConfig().min_rate_over);
    const DestinationConfig& local = shown.config->destinations.at("local");
    const DestinationTimeouts mta;
    EXPECT_EQ(local.connections, DestinationConfig().connections);
    EXPECT_EQ(local.timeouts.connect, mta.connect);
    EXPECT_EQ(local.timeouts.tls, mta.tls);
    EXPECT_EQ(local.timeouts.greeting, mta.greeting);
    EXPECT_EQ(local.timeouts.mail, mta.mail);
    EXPECT_EQ(local.timeouts.rcpt, mta.rcpt);
    EXPECT_EQ(local.timeouts.data, mta.data);
    EXPECT_EQ(local.timeouts.block, mta.block);
    EXPECT_EQ(local.timeouts.final_dot, mta.final_dot);
    EXPECT_EQ(local.timeouts.idle, mta.idle);
    EXPECT_EQ(local.connections_per_recipient, DestinationConfig().connections_per_recipient);
    EXPECT_EQ(local.chunking, DestinationConfig().chunking);
    EXPECT_EQ(local.long_lines, DestinationConfig().long_lines);
    EXPECT_EQ(local.nul, DestinationConfig().nul);
    EXPECT_EQ(local.holds_8bit, DestinationConfig().holds_8bit);
}

TEST(Example, MentionsEveryKey) {
    const std::string text = text_of(example("postrider.yaml"));
    const auto expect_mentioned = [&text](const std::vector<std::string>& keys) {
        for (const std::string& key : keys) {
            EXPECT_NE(text.find(key + ":"), std::string::npos) << key;
        }
    };
    expect_mentioned(names_of(main_keys()));
    expect_mentioned(names_of(log_keys()));
    expect_mentioned(names_of(limit_keys()));
    expect_mentioned(names_of(control_keys()));
    expect_mentioned(names_of(metrics_keys()));
    expect_mentioned(names_of(alert_keys()));
    expect_mentioned(names_of(destination_keys()));
    expect_mentioned(names_of(destination_timeout_keys()));
    expect_mentioned(names_of(dsn_keys()));
    expect_mentioned(names_of(xclient_keys()));
    expect_mentioned(names_of(account_keys()));
    expect_mentioned(names_of(recipient_rule_keys()));
    expect_mentioned(names_of(account_timeout_keys()));
    expect_mentioned(names_of(password_keys()));
    expect_mentioned(names_of(commit_every_keys()));
    expect_mentioned(names_of(poll_every_keys()));
    for (const std::string& provider : provider_names()) {
        const bool is_offered = find_provider(provider)->no_pop3.empty();
        EXPECT_EQ(text.find(provider) != std::string::npos, is_offered) << provider;
    }
}

/// JSON is YAML: our own reader will do.
class Schema : public ::testing::Test {
  protected:
    Schema() : document_(parse_document(text_of(example("postrider.schema.json")), 0)) {}

    /// The names of the properties of the object schema behind those keys.
    [[nodiscard]] std::vector<std::string> properties(
        const std::vector<std::string_view>& way) const {
        const Value* value = &document_.root;
        for (const std::string_view key : way) {
            const Entry* const entry = value->find(key);
            if (entry == nullptr) {
                ADD_FAILURE() << "no " << key;
                return {};
            }
            value = &entry->value;
        }
        const Entry* const found = value->find("properties");
        std::vector<std::string> names;
        if (found != nullptr) {
            for (const Entry& entry : found->value.entries) {
                names.push_back(entry.key);
            }
        }
        return names;
    }

    Document document_;
};

TEST_F(Schema, HasExactlyTheKeysOfTheLoader) {
    EXPECT_THAT(document_.faults, IsEmpty());
    EXPECT_THAT(properties({}), UnorderedElementsAreArray(names_of(main_keys())));
    EXPECT_THAT(properties({"properties", "log"}), UnorderedElementsAreArray(names_of(log_keys())));
    EXPECT_THAT(properties({"properties", "limits"}),
                UnorderedElementsAreArray(names_of(limit_keys())));
    EXPECT_THAT(properties({"properties", "control"}),
                UnorderedElementsAreArray(names_of(control_keys())));
    EXPECT_THAT(properties({"properties", "metrics"}),
                UnorderedElementsAreArray(names_of(metrics_keys())));
    EXPECT_THAT(properties({"properties", "alerts"}),
                UnorderedElementsAreArray(names_of(alert_keys())));
    EXPECT_THAT(properties({"$defs", "destination"}),
                UnorderedElementsAreArray(names_of(destination_keys())));
    EXPECT_THAT(properties({"$defs", "destination_timeouts"}),
                UnorderedElementsAreArray(names_of(destination_timeout_keys())));
    EXPECT_THAT(properties({"$defs", "destination", "properties", "dsn"}),
                UnorderedElementsAreArray(names_of(dsn_keys())));
    EXPECT_THAT(properties({"$defs", "destination", "properties", "xclient"}),
                UnorderedElementsAreArray(names_of(xclient_keys())));
    EXPECT_THAT(properties({"$defs", "account"}),
                UnorderedElementsAreArray(names_of(account_keys())));
    EXPECT_THAT(properties({"$defs", "account", "properties", "transport"}),
                UnorderedElementsAreArray(names_of(transport_keys())));
    EXPECT_THAT(properties({"$defs", "recipient_rule"}),
                UnorderedElementsAreArray(names_of(recipient_rule_keys())));
    EXPECT_THAT(properties({"$defs", "account_timeouts"}),
                UnorderedElementsAreArray(names_of(account_timeout_keys())));
    EXPECT_THAT(properties({"$defs", "account", "properties", "commit_every"}),
                UnorderedElementsAreArray(names_of(commit_every_keys())));
    EXPECT_THAT(properties({"$defs", "proxy"}), UnorderedElementsAreArray(names_of(proxy_keys())));
    EXPECT_THAT(properties({"$defs", "poll_every"}),
                UnorderedElementsAreArray(names_of(poll_every_keys())));
    EXPECT_THAT(properties({"$defs", "password_source"}),
                UnorderedElementsAreArray(names_of(password_keys())));
}

}  // namespace
}  // namespace postrider::config
