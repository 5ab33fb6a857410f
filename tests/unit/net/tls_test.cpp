// TLS of streams and connector against real OpenSSL servers.
#include <future>

#include <gtest/gtest.h>

#include "unit/net/tls_test_base.h"

namespace postrider::net {
namespace {

TEST_F(TlsTest, ConnectsToAVerifiedServer) {
    serve(certificates.make_for("pop.example"));
    const auto error = connect_as(settings_for("pop.example"));
    ASSERT_FALSE(error) << error->text;
    EXPECT_TRUE(stream->is_encrypted());
    EXPECT_EQ(stream->peer().tls, "TLSv1.3 TLS_AES_256_GCM_SHA384");
    run_until([this] { return !recorder.received.empty(); });
    EXPECT_EQ(recorder.received, "+OK pop.example\r\n");
    stream.reset();
}

TEST_F(TlsTest, ATrailingDotOfTheNameIsNotPartOfIt) {
    serve(certificates.make_for("pop.example"));
    visit(settings_for("pop.example."));
    EXPECT_EQ(recorder.received, "+OK pop.example\r\n");
}

TEST_F(TlsTest, AWildcardCountsForOneWholeLabel) {
    test::TestCertificateSpec spec;
    spec.dns_names = {"*.example.net", "im*.example.org"};
    serve(certificates.make(spec));
    visit(settings_for("pop.example.net"));
    EXPECT_SAYS(refusal_of(spec, "a.pop.example.net"), "not for a.pop.example.net");
    EXPECT_SAYS(refusal_of(spec, "imap.example.org"), "not for imap.example.org");
}

TEST_F(TlsTest, AnIpLiteralIsVerifiedAsAnAddressAndNotSentAsSni) {
    test::TestCertificateSpec spec;
    spec.ip_addresses = {"127.0.0.1", "2001:db8::1"};
    serve(certificates.make(spec));
    visit(settings_for("127.0.0.1"));
    EXPECT_EQ(recorder.received, "+OK \r\n");
    const std::string text = refusal_of(spec, "127.0.0.2");
    EXPECT_SAYS(text, "the certificate is for 127.0.0.1, 2001:db8::1, not for 127.0.0.2");
}

TEST_F(TlsTest, ADnsNameThatLooksLikeAnAddressDoesNotCountAsOne) {
    test::TestCertificateSpec spec;
    spec.dns_names = {"127.0.0.1"};
    EXPECT_SAYS(refusal_of(spec, "127.0.0.1"), "not for 127.0.0.1");
}

//
TEST_F(TlsTest, AnExpiredCertificateSaysSinceWhen) {
    test::TestCertificateSpec spec;
    spec.dns_names = {"pop.example"};
    spec.ends = std::chrono::hours(-1);
    const std::string text = refusal_of(spec);
    EXPECT_SAYS(text, "TLS with pop.example: the certificate CN=test server has expired on 20");
}

//
TEST_F(TlsTest, ACertificateOfTomorrowAsksForTheClock) {
    test::TestCertificateSpec spec;
    spec.dns_names = {"pop.example"};
    spec.begins = std::chrono::hours(24);
    const std::string text = refusal_of(spec);
    EXPECT_SAYS(text, "is not valid before 20");
    EXPECT_SAYS(text, "clock");
}

//
TEST_F(TlsTest, AWrongHostNamesTheRightOnes) {
    test::TestCertificateSpec spec;
    spec.dns_names = {"a.example", "b.example", "c.example", "d.example", "e.example", "f.example"};
    const std::string text = refusal_of(spec);
    EXPECT_SAYS(text,
                "is for a.example, b.example, c.example, d.example, e.example and 1 more name, not "
                "for pop.example");
}

TEST_F(TlsTest, ACommonNameAloneDoesNotCount) {
    test::TestCertificateSpec spec;
    spec.common_name = "pop.example";
    const std::string text = refusal_of(spec);
    EXPECT_SAYS(text, "no Subject Alternative Name for pop.example");
    EXPECT_SAYS(text, "CN=pop.example");
}

TEST_F(TlsTest, ASelfSignedCertificateIsNamedAndCanBeTrustedByName) {
    test::TestCertificateSpec spec;
    spec.dns_names = {"pop.example"};
    spec.issuer = test::TestIssuer::itself;
    const std::string text = refusal_of(spec);
    EXPECT_SAYS(text, "CN=test server is self-signed");
    EXPECT_SAYS(text, "tls_ca_file");
    const auto certificate = certificates.make(spec);
    serve(certificate);
    visit({"pop.example", certificate.chain_file, ""});
}

//
TEST_F(TlsTest, AnUnknownIssuerIsNamed) {
    test::TestCertificateSpec spec;
    spec.dns_names = {"pop.example"};
    spec.issuer = test::TestIssuer::unknown_root;
    const std::string text = refusal_of(spec);
    EXPECT_SAYS(text, "CN=test server was issued by CN=Unknown Root, which is not trusted here");
    EXPECT_SAYS(text, "put its authority's certificate into");
}

TEST_F(TlsTest, AChainWithItsIntermediateIsGoodAndWithoutItSaysWhatIsMissing) {
    test::TestCertificateSpec spec;
    spec.dns_names = {"pop.example"};
    spec.issuer = test::TestIssuer::intermediate;
    serve(certificates.make(spec));
    visit(settings_for("pop.example"));
    spec.issuer = test::TestIssuer::intermediate_unsent;
    const std::string text = refusal_of(spec);
    EXPECT_SAYS(text, "was issued by CN=Test Intermediate");
    EXPECT_SAYS(text, "sends no intermediate certificate");
}

//
TEST_F(TlsTest, ACertificateForClientsOnlyIsRefused) {
    test::TestCertificateSpec spec;
    spec.dns_names = {"pop.example"};
    spec.extended_key_usage = "clientAuth";
    EXPECT_SAYS(refusal_of(spec), "purpose");
}

TEST_F(TlsTest, BytesOfACertificateAreEscaped) {
    test::TestCertificateSpec spec;
    spec.dns_names = {"pop.example"};
    spec.common_name = "evil\n\x1b[2J";
    spec.issuer = test::TestIssuer::itself;
    const std::string text = refusal_of(spec);
    EXPECT_EQ(text.find('\n'), std::string::npos);
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_SAYS(text, "evil");
}

TEST_F(TlsTest, TheSystemStoreDoesNotTrustTheTestAuthority) {
    serve(certificates.make_for("pop.example"));
    const auto error = connect_as({"pop.example", "", ""});
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, Errc::tls);
    EXPECT_SAYS(error->text, "name its authority's certificate in tls_ca_file");
}

TEST_F(TlsTest, ACaFileThatCannotBeReadIsNamed) {
    serve(certificates.make_for("pop.example"));
    const auto error = connect_as({"pop.example", certificates.ca_file() + ".none", ""});
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, Errc::tls);
    EXPECT_EQ(error->retry, Retry::never);
    EXPECT_SAYS(error->text, "ca.pem.none: no such file or directory");
}

TEST_F(TlsTest, ACaFileThatChangesIsReadAgain) {
    serve(certificates.make_for("pop.example"), 2);
    test::TestCertificateSpec other;
    other.issuer = test::TestIssuer::itself;
    const std::string path = certificates.make(other).chain_file;
    const auto error = connect_as({"pop.example", path, ""});
    ASSERT_TRUE(error);
    std::filesystem::copy_file(certificates.ca_file(), path,
                               std::filesystem::copy_options::overwrite_existing);
    visit({"pop.example", path, ""});
}

TEST_F(TlsTest, SessionsAreResumedAmongEqualKeysOnly) {
    serve(certificates.make_for("pop.example"), 4);
    TlsSettings alice = settings_for("pop.example");
    alice.session_key = "alice";
    TlsSettings bob = alice;
    bob.session_key = "bob";
    visit(alice);
    EXPECT_FALSE(was_resumed);
    visit(alice);
    EXPECT_TRUE(was_resumed);
    visit(bob);
    EXPECT_FALSE(was_resumed);
    visit(settings_for("pop.example"));
    EXPECT_FALSE(was_resumed);
}

TEST_F(TlsTest, TheServerSeesTheResumptionToo) {
    serve(certificates.make_for("pop.example"), 2);
    TlsSettings alice = settings_for("pop.example");
    alice.session_key = "alice";
    visit(alice);
    visit(alice);
    server->join();
    EXPECT_TRUE(resumed);
}

TEST_F(TlsTest, Tls12SessionsAreResumedAgainAndAgain) {
    serve(certificates.make_for("pop.example"), 3);
    SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
    TlsSettings alice = settings_for("pop.example");
    alice.session_key = "alice";
    visit(alice);
    EXPECT_FALSE(was_resumed);
    visit(alice);
    EXPECT_TRUE(was_resumed);
    visit(alice);
    EXPECT_TRUE(was_resumed);
}

TEST_F(TlsTest, ASessionDoesNotCountForAnotherHostName) {
    test::TestCertificateSpec spec;
    spec.dns_names = {"pop.example", "mail.example"};
    serve(certificates.make(spec), 2);
    TlsSettings alice = settings_for("pop.example");
    alice.session_key = "alice";
    visit(alice);
    alice.server_name = "mail.example";
    visit(alice);
    EXPECT_FALSE(was_resumed);
}

TEST_F(TlsTest, OldTlsIsRefused) {
    serve(certificates.make_for("pop.example"));
    SSL_CTX_set_security_level(context.get(), 0);
    SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context.get(), TLS1_1_VERSION);
    const auto error = connect_as(settings_for("pop.example"));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, Errc::tls);
    EXPECT_EQ(error->retry, Retry::never);
    EXPECT_SAYS(error->text, "no TLS version from 1.2 on");
}

TEST_F(TlsTest, APlainServerIsToldFromATlsOne) {
    test::TestServer plain([](test::ServerEnd& end) {
        end.send("+OK POP3 ready\r\n");
        static_cast<void>(end.read_to_end());
    });
    const auto error = connect_to(plain.port(), settings_for("pop.example"));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, Errc::tls);
    EXPECT_SAYS(error->text, "check the port, and which tls it is for");
}

TEST_F(TlsTest, AHandshakeThatIsHungUpOnIsANetworkError) {
    test::TestServer rude([](test::ServerEnd& end) { end.close(); });
    const auto error = connect_to(rude.port(), settings_for("pop.example"));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, Errc::network);
    EXPECT_EQ(error->retry, Retry::later);
}

//
TEST_F(TlsTest, AnEndWithoutCloseNotifySaysSo) {
    context = test::server_context(certificates.make_for("pop.example"));
    test::TestServer cut([this](test::ServerEnd& end) {
        EXPECT_TRUE(end.start_tls(*context));
        end.send("half a mess");
        end.close();
    });
    ASSERT_FALSE(connect_to(cut.port(), settings_for("pop.example")));
    run_until([this] { return recorder.closed.has_value(); });
    EXPECT_EQ(recorder.received, "half a mess");
    EXPECT_EQ(recorder.closed->code, Errc::tls);
    EXPECT_SAYS(recorder.closed->text, "without a TLS close_notify");
}

TEST_F(TlsTest, AnEndWithCloseNotifyIsOrderly) {
    context = test::server_context(certificates.make_for("pop.example"));
    test::TestServer orderly([this](test::ServerEnd& end) {
        EXPECT_TRUE(end.start_tls(*context));
        end.send("bye");
        end.send_close_notify();
        end.close();
    });
    ASSERT_FALSE(connect_to(orderly.port(), settings_for("pop.example")));
    run_until([this] { return recorder.closed.has_value(); });
    EXPECT_EQ(recorder.received, "bye");
    EXPECT_EQ(recorder.closed->code, Errc::closed);
}

//
TEST_F(TlsTest, MuchInputPassesThroughABoundedBufferWithPauses) {
    const std::string all(20 * ByteStream::kInputLimit + 7, 'x');
    context = test::server_context(certificates.make_for("pop.example"));
    test::TestServer server_of_much([&](test::ServerEnd& end) {
        EXPECT_TRUE(end.start_tls(*context));
        end.send(all);
        end.send_close_notify();
    });
    ASSERT_FALSE(connect_to(server_of_much.port(), settings_for("pop.example")));
    recorder.consumes = false;
    std::size_t taken = 0;
    std::unique_ptr<event::Timer> resume = loop->make_timer([&] { stream->resume_reading(); });
    recorder.on_change = [&] {
        EXPECT_LE(stream->input().size(), ByteStream::kInputLimit);
        if (!recorder.closed && !resume->is_armed()) {
            // Less than a record: the rest waits inside OpenSSL when the pause ends.
            const std::size_t count = std::min<std::size_t>(stream->input().size(), 10'000);
            taken += count;
            stream->consume(count);
            stream->pause_reading();
            resume->arm(0ms);
        }
        changed();
    };
    run_until([this] { return recorder.closed.has_value(); });
    EXPECT_EQ(taken + stream->input().size(), all.size());
    EXPECT_EQ(recorder.closed->code, Errc::closed);
    stream.reset();
}

TEST_F(TlsTest, OffersWhatOpensslHoldsWhenAPauseEnds) {
    std::promise<void> sent;
    context = test::server_context(certificates.make_for("pop.example"));
    test::TestServer one_record([&](test::ServerEnd& end) {
        EXPECT_TRUE(end.start_tls(*context));
        end.send(std::string(ByteStream::kInputLimit - 100, 'a'));
        end.send(std::string(5000, 'b'));  // one record: 100 bytes fit, the rest stays decrypted
        sent.set_value();
        static_cast<void>(end.read_to_end());
    });
    ASSERT_FALSE(connect_to(one_record.port(), settings_for("pop.example")));
    recorder.consumes = false;
    run_until([this] { return stream->input().size() == ByteStream::kInputLimit; });
    sent.get_future().wait();
    stream->pause_reading();
    stream->consume(ByteStream::kInputLimit);
    turn_some();
    EXPECT_EQ(stream->input().size(), 0U);
    stream->resume_reading();
    run_until([this] { return stream->input().size() == 4900; });
    stream.reset();
}

TEST_F(TlsTest, MuchOutputArrivesWhole) {
    std::string all(4 * ByteStream::kOutputHighMark, '\0');
    for (std::size_t i = 0; i < all.size(); ++i) {
        all[i] = static_cast<char>(i % 251);
    }
    std::promise<void> read_on;
    std::string got;
    context = test::server_context(certificates.make_for("pop.example"));
    test::TestServer sink([&](test::ServerEnd& end) {
        EXPECT_TRUE(end.start_tls(*context));
        read_on.get_future().wait();
        while (got.size() < all.size()) {
            got += end.read_line() + "\r\n";
            if (got.size() < 3) {
                break;
            }
        }
        end.send("done\r\n");
    });
    ASSERT_FALSE(connect_to(sink.port(), settings_for("pop.example")));
    // Lines, as read_line() takes them.
    std::string text;
    while (text.size() < all.size()) {
        text += std::string(998, 'x') + "\r\n";
    }
    all = text;
    for (std::string_view rest = text; !rest.empty();
         rest.remove_prefix(std::min<std::size_t>(rest.size(), 30'000))) {
        stream->write(rest.substr(0, 30'000));
    }
    turn_some();
    read_on.set_value();
    run_until([this] { return recorder.received == "done\r\n"; });
    EXPECT_EQ(got, all);
    EXPECT_EQ(stream->output_pending(), 0U);
    stream.reset();
}

TEST_F(TlsTest, ReadsAnEarlyReplyOfAPeerThatTakesNoMore) {
    std::promise<void> hung_up;
    context = test::server_context(certificates.make_for("pop.example"));
    test::TestServer refusing([&](test::ServerEnd& end) {
        EXPECT_TRUE(end.start_tls(*context));
        static_cast<void>(end.read_line());
        end.send("552 too big\r\n");
        end.close();
        hung_up.set_value();
    });
    ASSERT_FALSE(connect_to(refusing.port(), settings_for("pop.example")));
    stream->pause_reading();
    stream->write("DATA\r\n");
    hung_up.get_future().wait();
    for (int i = 0; i < 200; ++i) {  // the reset of the peer takes its time to arrive
        stream->write(std::string(ByteStream::kOutputLowMark, 'x'));
        turn_some();
    }
    EXPECT_FALSE(recorder.closed);
    stream->resume_reading();
    run_until([this] { return recorder.closed.has_value(); });
    EXPECT_EQ(recorder.received, "552 too big\r\n");
    EXPECT_EQ(recorder.closed->code, Errc::network);
    EXPECT_EQ(recorder.ends, 1);
}

}  // namespace
}  // namespace postrider::net
