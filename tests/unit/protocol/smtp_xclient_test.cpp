#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "smtp_session.h"

// XCLIENT as Postfix (XCLIENT_README) and Dovecot have it.
namespace postrider::smtp {
namespace {

constexpr std::string_view kOffers = "250-mx\r\n250 XCLIENT NAME ADDR PROTO HELO LOGIN\r\n";

OriginalClient client_of(std::string address) {
    return {std::move(address), "mail.example", "helo.example", "ESMTP"};
}

Transaction transaction_of(OriginalClient client) {
    Transaction transaction = transaction_to(1);
    transaction.client = std::move(client);
    return transaction;
}

class ReadySession : public Session {
  public:
    explicit ReadySession(Settings settings = smtp_settings(), std::string_view offers = kOffers)
        : Session(with_xclient(std::move(settings))) {
        hear("220 mx\r\n");
        say();
        EXPECT_EQ(hear(offers), "ready");
    }

  private:
    static Settings with_xclient(Settings settings) {
        settings.use_xclient = true;
        return settings;
    }
};

TEST(SmtpXclient, TellsTheOriginalClientAndGreetsAgain) {
    ReadySession session;
    session.dialogue.begin(transaction_of(client_of("192.0.2.1")));
    EXPECT_EQ(session.say(),
              "XCLIENT NAME=mail.example ADDR=192.0.2.1 PROTO=ESMTP HELO=helo.example\r\n");
    EXPECT_EQ(session.dialogue.phase(), Phase::hello);
    EXPECT_EQ(session.hear("220 mx again\r\n"), "");
    EXPECT_EQ(session.say(), "EHLO helo.example\r\n") << "Postfix goes by that";
    EXPECT_EQ(session.hear(kOffers), "");
    EXPECT_EQ(session.say(), "MAIL FROM:<s@a.example>\r\n");
}

TEST(SmtpXclient, OnlyAttributesThatAreOfferedAreTold) {
    ReadySession session(lmtp_settings(), "250-x\r\n250 XCLIENT ADDR PORT TTL\r\n");
    session.dialogue.begin(transaction_of(client_of("2001:db8::1")));
    EXPECT_EQ(session.say(), "XCLIENT ADDR=IPV6:2001:db8::1\r\n");
    session.hear("220 x\r\n");
    EXPECT_EQ(session.say(), "LHLO me.example\r\n");
}

TEST(SmtpXclient, WhatIsNotKnownIsSaidToBeUnavailable) {
    ReadySession session;
    session.dialogue.begin(transaction_of({}));
    EXPECT_EQ(session.say(),
              "XCLIENT NAME=[UNAVAILABLE] ADDR=[UNAVAILABLE] PROTO=ESMTP HELO=[UNAVAILABLE]\r\n");
}

// S-013: what a stranger chose cannot become a second attribute or line.
TEST(SmtpXclient, ValuesAreEncoded) {
    OriginalClient client = client_of("192.0.2.1");
    client.helo = "a ADDR=10.0.0.1\r\nMAIL+";
    ReadySession session;
    session.dialogue.begin(transaction_of(client));
    EXPECT_EQ(session.say(),
              "XCLIENT NAME=mail.example ADDR=192.0.2.1 PROTO=ESMTP "
              "HELO=a+20ADDR+3D10.0.0.1+0D+0AMAIL+2B\r\n");
}

// S-014: what is no name of a host is never said as ours, and our own is said again for the next.
TEST(SmtpXclient, OnlyANameIsSaidInPlaceOfOurs) {
    for (const std::string helo : {"", "a b", "a\r\nMAIL", "\xc3\xbc", "a;b", "<>"}) {
        OriginalClient client = client_of("192.0.2.1");
        client.helo = helo;
        ReadySession session;
        session.dialogue.begin(transaction_of(client));
        session.say();
        session.hear("220 mx\r\n");
        EXPECT_EQ(session.say(), "EHLO me.example\r\n") << helo;
    }
    OriginalClient client = client_of("192.0.2.1");
    client.helo = "[IPv6:2001:db8::1]";
    ReadySession session;
    session.dialogue.begin(transaction_of(client));
    session.say();
    session.hear("220 mx\r\n");
    EXPECT_EQ(session.say(), "EHLO [IPv6:2001:db8::1]\r\n");
}

TEST(SmtpXclient, SameClientIsToldOnceAndAnotherAnew) {
    ReadySession session;
    const auto deliver = [&session](const char* address) {
        session.dialogue.begin(transaction_of(client_of(address)));
        const std::string first = session.say();
        if (first.starts_with("XCLIENT")) {
            session.hear("220 mx\r\n");
            session.say();
            session.hear(kOffers);
            session.say();
        }
        session.hear("250 ok\r\n");
        session.say();
        session.hear("250 ok\r\n");
        session.say();
        session.hear("354 go\r\n");
        session.say();
        EXPECT_EQ(session.hear("250 queued\r\n"), "done: content 250\nready");
        return first.substr(0, 4);
    };
    EXPECT_EQ(deliver("192.0.2.1"), "XCLI");
    EXPECT_EQ(deliver("192.0.2.1"), "MAIL");
    EXPECT_EQ(deliver("192.0.2.2"), "XCLI");
}

TEST(SmtpXclient, RefusalIsAboutTheMessageAndTheConnectionIsNotUsedAgain) {
    for (const char* const reply : {"501 5.5.4 bad", "550 5.7.0 no", "451 4.3.0 later"}) {
        ReadySession session;
        session.dialogue.begin(transaction_of(client_of("192.0.2.1")));
        session.say();
        EXPECT_EQ(session.hear(std::string(reply) + "\r\n"),
                  "done: mail " + std::string(reply).substr(0, 3) + "; unusable");
    }
}

TEST(SmtpXclient, RefusalOfTheGreetingThatFollowsIsAboutTheMessageToo) {
    ReadySession session;
    session.dialogue.begin(transaction_of(client_of("192.0.2.1")));
    session.say();
    session.hear("220 mx\r\n");
    session.say();
    EXPECT_EQ(session.hear("554 5.7.1 we do not like you\r\n"), "done: mail 554; unusable");
}

TEST(SmtpXclient, ServerThatDoesNotOfferItIsAConfigurationFault) {
    Settings settings = smtp_settings();
    settings.use_xclient = true;
    Session session(settings);
    session.hear("220 mx\r\n");
    session.say();
    EXPECT_EQ(session.hear("250-mx\r\n250 PIPELINING\r\n"), "failed: unsupported");
    EXPECT_EQ(session.failed().error.retry, Retry::never);
}

TEST(SmtpXclient, ServerThatForgetsTheLoginIsLoggedInToAgain) {
    constexpr std::string_view kWithAuth = "250-mx\r\n250-AUTH PLAIN\r\n250 XCLIENT ADDR\r\n";
    Settings settings = smtp_settings();
    settings.encrypted = settings.use_xclient = true;
    settings.login.emplace(Login{"tim", Secret(std::string("secret")), ""});
    Session session(settings);
    session.hear("220 mx\r\n");
    session.say();
    session.hear(kWithAuth);
    session.say();
    ASSERT_EQ(session.hear("235 ok\r\n"), "ready");
    session.dialogue.begin(transaction_of(client_of("192.0.2.1")));
    session.say();
    session.hear("220 mx\r\n");
    session.say();
    session.hear(kWithAuth);
    EXPECT_TRUE(session.say().starts_with("AUTH PLAIN "));
    EXPECT_EQ(session.hear("235 ok\r\n"), "");
    EXPECT_EQ(session.say(), "MAIL FROM:<s@a.example>\r\n");
}

// What the server offers to the original client may be less than what it offers to us.
TEST(SmtpXclient, OffersBehindItCount) {
    ReadySession session(smtp_settings(), "250-mx\r\n250-SIZE 100\r\n250 XCLIENT ADDR\r\n");
    Transaction transaction = transaction_of(client_of("192.0.2.1"));
    transaction.size = 50;
    session.dialogue.begin(transaction);
    session.say();
    session.hear("220 mx\r\n");
    session.say();
    EXPECT_EQ(session.hear("250-mx\r\n250 SIZE 10\r\n"), "done: mail 552\nready");
}

}  // namespace
}  // namespace postrider::smtp
