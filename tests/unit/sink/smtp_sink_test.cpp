#include <algorithm>

#include "unit/sink/sink_fixture.h"

// Who gets which connection, and what becomes of those who wait.
namespace postrider::sink {
namespace {

using namespace std::chrono_literals;

class SmtpSinkTest : public SinkTest {
  protected:
    /// Opens a connection and leaves it idle.
    void warm_up(const Script& then) {
        peer.then(joined({hello(), then}));
        const auto asked = probe();
        loop.run_until_idle();
        ASSERT_TRUE(asked->probed && *asked->probed);
    }

    std::vector<std::unique_ptr<Asked>> deliver_many(std::size_t count) {
        std::vector<std::unique_ptr<Asked>> all;
        for (std::size_t i = 0; i < count; ++i) {
            all.push_back(deliver());
        }
        return all;
    }

    /// The next message is refused at its MAIL.
    static Script used_up(const std::string& reply) {
        return {"P: MAIL",
                "P: RCPT",
                "C: DATA",
                "S: " + reply,
                "S: 503 5.5.1 MAIL first",
                "S: 503 5.5.1 MAIL first"};
    }

    static bool all_told(const std::vector<std::unique_ptr<Asked>>& all, const std::string& what) {
        return std::all_of(all.begin(), all.end(),
                           [&](const auto& asked) { return asked->told() == what; });
    }
};

TEST_F(SmtpSinkTest, NothingIsToldFromInsideTheCall) {
    peer.then({"connect-fails network refused"});
    const auto asked = deliver();
    EXPECT_EQ(asked->told(), "nothing");
    loop.run_until_idle();
    EXPECT_EQ(asked->told(), "later 0; fault later");
}

TEST_F(SmtpSinkTest, OneConnectionCarriesManyMessages) {
    settings.connections = 1;
    peer.then(joined({hello(), taken(), taken()}));
    const auto all = deliver_many(2);
    loop.run_until_idle();
    EXPECT_TRUE(all_told(all, "delivered 250"));
}

/// Of alice.
class Ears final : public DeliveryListener {
  public:
    [[nodiscard]] bool is_wanted(const std::string& account) const override {
        return account == "alice";
    }
    void client(const std::string& account, const std::string& destination,
                std::string_view line) override {
        heard.push_back(fmt::format("{} {} C: {}", account, destination, line));
    }
    void server(const std::string& account, const std::string& destination,
                std::string_view line) override {
        heard.push_back(fmt::format("{} {} S: {}", account, destination, line));
    }
    std::vector<std::string> heard;
};

//
TEST_F(SmtpSinkTest, WhoListensToAnAccountHearsItsTransactionsAndNoLoginAndNoContent) {
    const auto message_for = [](const std::string& account) {
        mail::MessageBuilder builder({testing::TempDir()});
        EXPECT_TRUE(builder.append("private\r\n"));
        return std::make_shared<const mail::OutgoingMessage>(
            std::move(builder.finish().value()), "", std::vector<mail::Edit>(),
            mail::Provenance{account, "", std::nullopt});
    };
    Ears ears;
    settings.name = "local";
    settings.listener = &ears;
    settings.connections = 1;
    peer.then(joined({hello(), taken(), taken()}));
    mail::Envelope envelope;
    envelope.recipients = {address("bob@example.org")};
    const auto bobs = deliver(envelope, message_for("bob"));
    const auto hers = deliver(envelope, message_for("alice"));
    loop.run_until_idle();
    EXPECT_EQ(hers->told(), "delivered 250");
    const std::vector<std::string> expected{"alice local C: MAIL FROM:<> SIZE=9",
                                            "alice local C: RCPT TO:<bob@example.org>",
                                            "alice local C: DATA",
                                            "alice local S: 250 ok",
                                            "alice local S: 250 ok",
                                            "alice local S: 354 go",
                                            "alice local C: (message of 9 octets)",
                                            "alice local S: 250 2.0.0 queued"};
    EXPECT_EQ(ears.heard, expected);
    sink_.reset();
}

TEST_F(SmtpSinkTest, ADeliveryUsesTheConnectionThatAProbeHasOpened) {
    warm_up(taken());
    const auto asked = deliver();
    loop.run_until_idle();
    EXPECT_EQ(asked->told(), "delivered 250");
    EXPECT_EQ(peer.requests().size(), 1U);
}

TEST_F(SmtpSinkTest, AProbeOfAnIdleConnectionLeavesItToTheDeliveryBehind) {
    warm_up(taken());
    const auto probed = probe();
    const auto asked = deliver();
    loop.run_until_idle();
    EXPECT_TRUE(probed->probed && *probed->probed);
    EXPECT_EQ(asked->told(), "delivered 250");
    EXPECT_EQ(peer.requests().size(), 1U);
}

TEST_F(SmtpSinkTest, NoMoreConnectionsThanAllowed) {
    settings.connections = 2;
    // The second comes when the first has shown that the server is there.
    peer.then(joined({hello(), taken(), taken(), taken(), taken(), taken(), taken()}));
    peer.then(joined({hello(), taken(), taken(), taken(), taken()}));
    const auto all = deliver_many(10);
    loop.run_until_idle();
    EXPECT_TRUE(all_told(all, "delivered 250"));
    EXPECT_EQ(peer.requests().size(), 2U);
}

TEST_F(SmtpSinkTest, EverybodyWhoWaitsHearsThatTheServerCannotBeReached) {
    settings.connections = 2;
    peer.then({"connect-fails network mx.example:25: connection refused"});
    const auto all = deliver_many(10);
    const auto probed = probe();
    loop.run_until_idle();
    EXPECT_TRUE(all_told(all, "later 0; fault later"));
    EXPECT_EQ(all[9]->report->verdicts[0].text, "mx.example:25: connection refused");
    ASSERT_TRUE(probed->probed && !*probed->probed);
    EXPECT_EQ(probed->probed->error().text, "mx.example:25: connection refused");
}

TEST_F(SmtpSinkTest, ACertificateFaultNeedsAPerson) {
    EXPECT_EQ(deliver_to({"connect-fails tls certificate expired"}), "later 0; fault never");
}

TEST_F(SmtpSinkTest, AServerThatTurnsUsAwayForGoodNeedsAPerson) {
    EXPECT_EQ(deliver_to({"S: 554 5.7.1 go away"}), "later 0; fault never");
    EXPECT_EQ(deliver_to({"S: 220 mx", "P: EHLO", "S: 550 5.7.1 not you"}), "later 0; fault never");
    EXPECT_EQ(deliver_to({"S: 220 mx", "P: EHLO", "S: 530 5.7.0 TLS first"}),
              "later 0; fault never");
}

TEST_F(SmtpSinkTest, AServerThatIsBusyIsAskedAgainLater) {
    EXPECT_EQ(deliver_to({"S: 421 4.3.2 too many connections"}), "later 0; fault later");
}

TEST_F(SmtpSinkTest, ADemandForAuthenticationHoldsNothing) {
    for (const std::string code : {"530", "535", "538"}) {
        sink_.reset();
        EXPECT_EQ(
            deliver_to({"S: 220 mx", "P: EHLO", "S: 250 mx", "P: MAIL", "S: " + code + " no"}),
            "later " + code + "; fault never");
    }
}

TEST_F(SmtpSinkTest, ShutdownOfAnIdleConnectionIsSilent) {
    warm_up({"wait 1s", "S: 421 4.4.2 idle too long", "close"});
    loop.advance(2s);
    EXPECT_EQ(peer.open_streams(), 0U);
    EXPECT_EQ(deliver_to(joined({hello(), taken()})), "delivered 250");
}

TEST_F(SmtpSinkTest, TheEndOfAnIdleConnectionIsSilent) {
    warm_up({"wait 1s", "close"});
    loop.advance(2s);
    EXPECT_EQ(deliver_to(joined({hello(), taken()})), "delivered 250");
}

TEST_F(SmtpSinkTest, AUsedConnectionThatDiesAtMailIsReplacedOnce) {
    settings.connections = 1;
    peer.then(joined({hello(), taken(), {"P: MAIL", "close"}}));
    peer.then(joined({hello(), taken()}));
    const auto all = deliver_many(2);
    loop.run_until_idle();
    EXPECT_TRUE(all_told(all, "delivered 250"));
    EXPECT_EQ(peer.requests().size(), 2U);
}

TEST_F(SmtpSinkTest, AnIdleConnectionThatDiesAtItsFirstMailIsReplacedOnce) {
    warm_up({"P: MAIL", "close"});
    EXPECT_EQ(deliver_to(joined({hello(), taken()})), "delivered 250");
    EXPECT_EQ(peer.requests().size(), 2U);
}

TEST_F(SmtpSinkTest, AMessageIsMovedToAnotherConnectionOnlyOnce) {
    settings.connections = 1;
    peer.then(joined({hello(), taken(), {"P: MAIL", "close"}}));
    peer.then(joined({hello(), {"P: MAIL", "close"}}));
    const auto first = deliver();
    const auto second = deliver();
    loop.run_until_idle();
    EXPECT_EQ(first->told(), "delivered 250");
    EXPECT_EQ(second->told(), "later 0; fault later; hung up");
}

TEST_F(SmtpSinkTest, AmbiguityIsNeverTriedAgain) {
    settings.connections = 1;
    peer.then(joined({hello(), taken(), content(), {"close"}}));
    const auto all = deliver_many(2);
    loop.run_until_idle();
    EXPECT_EQ(all[1]->told(), "ambiguous 0; fault later; hung up");
    EXPECT_EQ(peer.requests().size(), 1U);
}

TEST_F(SmtpSinkTest, ARefusalWithoutAskingTheServerIsReportedAndTheNextGoesOn) {
    settings.connections = 1;
    warm_up(taken());
    const auto too_large = deliver(std::string(1'000'001, 'a'));
    const auto next = deliver();
    loop.run_until_idle();
    EXPECT_EQ(too_large->told(), "refused 552");
    EXPECT_EQ(next->told(), "delivered 250");
    EXPECT_EQ(peer.requests().size(), 1U);
}

TEST_F(SmtpSinkTest, ARefusalWithoutAskingTheServerIsReportedOnAFreshConnectionToo) {
    settings.connections = 1;
    peer.then(joined({hello(), taken()}));
    const auto too_large = deliver(std::string(1'000'001, 'a'));
    const auto next = deliver();
    loop.run_until_idle();
    EXPECT_EQ(too_large->told(), "refused 552");
    EXPECT_EQ(next->told(), "delivered 250");
}

TEST_F(SmtpSinkTest, AQueuedDeliveryThatIsDestroyedNeverHappens) {
    settings.connections = 1;
    peer.then(joined({hello(), taken(), taken()}));
    auto all = deliver_many(3);
    all.erase(all.begin() + 1);
    loop.run_until_idle();
    EXPECT_TRUE(all_told(all, "delivered 250"));
}

TEST_F(SmtpSinkTest, ADeliveryDestroyedOnItsConnectionMakesRoomForTheNext) {
    settings.connections = 1;
    peer.then(joined({hello(), {"P: MAIL", "C: RCPT TO:<bob@example.org>", "C: DATA", "closed"}}));
    peer.then(joined({hello(), taken()}));
    auto all = deliver_many(2);
    loop.run_until_idle();
    all.erase(all.begin());
    loop.run_until_idle();
    EXPECT_EQ(all[0]->told(), "delivered 250");
}

TEST_F(SmtpSinkTest, ACompletionMayDestroyOtherJobsAndItsOwn) {
    settings.connections = 1;
    peer.then({"connect-fails network refused"});
    std::vector<std::unique_ptr<Delivery>> jobs(3);
    int told = 0;
    for (auto& job : jobs) {
        job = sink().deliver({std::nullopt, {address("bob@example.org")}}, message_of("a\r\n"),
                             [&](const DeliveryReport& /*report*/) {
                                 ++told;
                                 jobs.clear();
                             });
    }
    loop.run_until_idle();
    EXPECT_EQ(told, 1);
}

TEST_F(SmtpSinkTest, ACompletionMayDestroyAJobOnAnotherConnection) {
    settings.connections = 2;
    peer.then(joined({hello(), content(), {"wait 1s", "S: 250 ok"}}));
    peer.then(joined({hello(), {"P: MAIL"}}));
    std::unique_ptr<Asked> other;
    auto first = std::make_unique<Asked>();
    auto delivery = sink().deliver({std::nullopt, {address("bob@example.org")}},
                                   message_of("a\r\n"), [&](DeliveryReport report) {
                                       first->report = std::move(report);
                                       other.reset();
                                   });
    delivery->commit();
    first->operation = std::move(delivery);
    other = deliver();
    loop.advance(2s);
    EXPECT_EQ(first->told(), "delivered 250");
    EXPECT_EQ(other, nullptr);
    EXPECT_EQ(peer.open_streams(), 1U);
}

// S-032
TEST_F(SmtpSinkTest, AnUnusedConnectionIsClosedWithQuit) {
    warm_up({"C: QUIT", "closed"});
    loop.advance(29s);
    EXPECT_EQ(peer.open_streams(), 1U);
    loop.advance(1s);
    EXPECT_EQ(peer.open_streams(), 0U);
    EXPECT_TRUE(peer.client_bytes(0).ends_with("QUIT\r\n"));
}

TEST_F(SmtpSinkTest, TheEndOfTheSinkSaysQuit) {
    warm_up({"C: QUIT", "closed"});
    sink_.reset();
    EXPECT_TRUE(peer.client_bytes(0).ends_with("QUIT\r\n"));
}

TEST_F(SmtpSinkTest, JobsThatOutliveTheSinkAreSilent) {
    settings.connections = 1;
    peer.then(joined({hello(), {"P: MAIL"}}));
    const auto all = deliver_many(2);
    loop.run_until_idle();
    sink_.reset();
    loop.advance(1h);
    EXPECT_TRUE(all_told(all, "nothing"));
}

TEST_F(SmtpSinkTest, ALimitOfTheServerOnConnectionsLeavesTheMailToThoseItTook) {
    settings.connections = 3;
    peer.then(joined({hello(), taken(), taken(), taken()}));
    peer.then({"S: 421 4.7.0 too many connections", "close"});
    peer.then({"S: 421 4.7.0 too many connections", "close"});
    const auto all = deliver_many(3);
    loop.run_until_idle();
    EXPECT_TRUE(all_told(all, "delivered 250"));
    EXPECT_EQ(peer.requests().size(), 3U);
}

TEST_F(SmtpSinkTest, AServerWithoutRoomForMoreConnectionsIsNotStormed) {
    settings.connections = 2;
    warm_up(joined({content(), {"wait 5s", "S: 250 ok"}, taken()}));
    peer.then({"S: 421 4.7.0 too many connections", "close"});
    const auto first = deliver();
    loop.run_until_idle();
    const auto second = deliver();
    loop.advance(6s);
    EXPECT_EQ(first->told(), "delivered 250");
    EXPECT_EQ(second->told(), "delivered 250");
    EXPECT_EQ(peer.requests().size(), 2U);
}

TEST_F(SmtpSinkTest, AServerThatHadNoRoomIsTriedAgainWhenNoConnectionIsLeft) {
    settings.connections = 2;
    warm_up(joined({content(), {"wait 5s", "S: 250 ok", "close"}}));
    peer.then({"S: 421 4.7.0 too many connections", "close"});
    peer.then(joined({hello(), taken()}));
    const auto first = deliver();
    loop.run_until_idle();
    const auto second = deliver();
    loop.advance(6s);
    EXPECT_EQ(first->told(), "delivered 250");
    EXPECT_EQ(second->told(), "delivered 250");
}

// S-019: a session that is used up is not an outage.

TEST_F(SmtpSinkTest, AServerThatTakesNoMoreOnAConnectionGetsANewOne) {
    settings.connections = 1;
    for (const std::string enough : {"421 4.7.0 too many messages in this connection",
                                     "452 4.5.3 Too many messages sent", "451 4.3.0 enough"}) {
        sink_.reset();
        peer.then(joined({hello(), taken(), used_up(enough)}));
        peer.then(joined({hello(), taken()}));
        const auto all = deliver_many(2);
        loop.run_until_idle();
        EXPECT_TRUE(all_told(all, "delivered 250")) << enough;
    }
}

TEST_F(SmtpSinkTest, EveryConnectionOfThePoolMayBeUsedUpAtTheSameTime) {
    settings.connections = 2;
    const Script one_only = joined(
        {hello(), content(), {"wait 1s", "S: 250 ok"}, used_up("452 4.5.3 Too many messages")});
    peer.then(one_only);
    peer.then(one_only);
    peer.then(joined({hello(), taken()}));
    peer.then(joined({hello(), taken()}));
    const auto all = deliver_many(4);
    loop.advance(5s);
    EXPECT_TRUE(all_told(all, "delivered 250"));
}

TEST_F(SmtpSinkTest, ANewConnectionThatTakesNothingEitherIsAnOutage) {
    settings.connections = 1;
    peer.then(joined({hello(), taken(), used_up("452 4.3.1 no space")}));
    peer.then(joined({hello(), used_up("452 4.3.1 no space")}));
    const auto all = deliver_many(2);
    loop.run_until_idle();
    EXPECT_EQ(all[0]->told(), "delivered 250");
    EXPECT_EQ(all[1]->told(), "later 452; fault later");
}

TEST_F(SmtpSinkTest, WhenAllIdleConnectionsHaveEndedInSilenceTheMessageGetsANewOne) {
    settings.connections = 2;
    peer.then(joined({hello(), taken(), {"P: MAIL", "close"}}));
    peer.then(joined({hello(), taken(), {"P: MAIL", "close"}}));
    peer.then(joined({hello(), taken()}));
    const auto first = deliver_many(2);
    loop.run_until_idle();
    const auto second = deliver();
    loop.run_until_idle();
    EXPECT_EQ(second->told(), "delivered 250");
}

// S-020

TEST_F(SmtpSinkTest, ARecipientGetsOneMessageAtATimeWhereThatIsAskedFor) {
    settings.connections = 4;
    settings.per_recipient = 1;
    peer.then(joined({hello(), taken(), taken(), taken()}));
    const auto all = deliver_many(3);
    loop.run_until_idle();
    EXPECT_TRUE(all_told(all, "delivered 250"));
    EXPECT_EQ(peer.requests().size(), 1U);
}

TEST_F(SmtpSinkTest, ADeliveryThatIsDestroyedMakesRoomForItsRecipient) {
    settings.connections = 4;
    settings.per_recipient = 1;
    peer.then(joined({hello(), {"P: MAIL", "C: RCPT TO:<bob@example.org>", "C: DATA", "closed"}}));
    peer.then(joined({hello(), taken()}));
    auto all = deliver_many(2);
    loop.run_until_idle();
    all.erase(all.begin());
    loop.run_until_idle();
    EXPECT_EQ(all[0]->told(), "delivered 250");
}

// Several hosts.

class SmtpSinkHostsTest : public SmtpSinkTest {
  protected:
    SmtpSinkHostsTest() { settings.hosts = {{{"a.example", 25, ""}}, {{"b.example", 25, ""}}}; }

    [[nodiscard]] std::string asked_hosts() const {
        std::string all;
        for (const net::ConnectRequest& request : peer.requests()) {
            all += request.endpoint.host.substr(0, 1);
        }
        return all;
    }
};

TEST_F(SmtpSinkHostsTest, TheFirstHostGetsTheMail) {
    EXPECT_EQ(deliver_to(joined({hello(), taken()})), "delivered 250");
    EXPECT_EQ(asked_hosts(), "a");
}

TEST_F(SmtpSinkHostsTest, TheNextStandsInForOneThatCannotBeReachedOrTurnsUsAway) {
    for (const Script& fault :
         {Script{"connect-fails network a.example:25: refused"}, Script{"S: 421 4.3.2 busy"},
          Script{"S: 554 5.7.1 go away"}, Script{"S: 220 mx", "P: EHLO", "S: 451 4.3.0 not now"},
          Script{"S: 220 mx", "close"}}) {
        sink_.reset();
        peer.then(fault);
        EXPECT_EQ(deliver_to(joined({hello(), taken()})), "delivered 250");
    }
    EXPECT_EQ(asked_hosts(), "ababababab");
}

TEST_F(SmtpSinkHostsTest, TheNextStandsInForOneThatFailsInTheMidstOfAMessage) {
    for (const Script& fault : {used_up("452 4.3.1 no space"),
                                Script{"P: MAIL", "S: 250 ok", "S: 421 4.3.2 bye", "close"},
                                Script{"P: MAIL", "close"}}) {
        sink_.reset();
        peer.then(joined({hello(), fault}));
        EXPECT_EQ(deliver_to(joined({hello(), taken()})), "delivered 250");
    }
    EXPECT_EQ(asked_hosts(), "ababab");
}

TEST_F(SmtpSinkHostsTest, NoHostIsAskedAgainAboutAMessageThatMayBeDelivered) {
    EXPECT_EQ(deliver_to(joined({hello(), content(), {"close"}})),
              "ambiguous 0; fault later; hung up");
    EXPECT_EQ(asked_hosts(), "a");
}

TEST_F(SmtpSinkHostsTest, AHostThatFailedIsTriedAgainAfterAWhile) {
    peer.then({"connect-fails network a.example:25: refused"});
    EXPECT_EQ(deliver_to(joined({hello(), taken()})), "delivered 250");
    loop.advance(61s);
    EXPECT_EQ(deliver_to(joined({hello(), taken()})), "delivered 250");
    EXPECT_EQ(asked_hosts(), "aba");
}

TEST_F(SmtpSinkHostsTest, OnlyWhenAllHaveFailedTheDestinationHas) {
    peer.then({"connect-fails network a.example:25: refused"});
    peer.then({"S: 554 5.7.1 go away"});
    const auto probed = probe();
    loop.run_until_idle();
    ASSERT_TRUE(probed->probed && !*probed->probed);
    EXPECT_EQ(probed->probed->error().retry, Retry::later);
    EXPECT_EQ(probed->probed->error().text,
              "a.example:25: refused; b.example:25: the server turns us away: 554 5.7.1 go away");
    // And both have another chance.
    EXPECT_EQ(deliver_to(joined({hello(), taken()})), "delivered 250");
    EXPECT_EQ(asked_hosts(), "aba");
}

//
TEST_F(SmtpSinkTest, ADestinationThatMayBeDownIsAskedByOneConnectionHoweverManyWait) {
    settings.connections = 8;
    peer.then({"connect-fails network refused"});
    std::vector<std::unique_ptr<Asked>> probes;
    for (int i = 0; i < 500; ++i) {
        probes.push_back(probe());
    }
    loop.run_until_idle();
    EXPECT_TRUE(std::all_of(probes.begin(), probes.end(),
                            [](const auto& asked) { return asked->probed && !*asked->probed; }));
    EXPECT_EQ(peer.requests().size(), 1U);
}

}  // namespace
}  // namespace postrider::sink
