#include "net/channel_binding.h"

#include <array>
#include <string>

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "unit/net/tls_test_base.h"

namespace postrider::net {
namespace {

/// What the server can be bound to, computed as its end does it, without the code under test.
struct AtServer {
    std::string exporter;
    std::string finished_of_client;
    std::string finished_of_server;
};

AtServer at_server(SSL& ssl) {
    AtServer at;
    std::array<char, EVP_MAX_MD_SIZE> octets{};
    std::array<unsigned char, 32> exported{};
    EXPECT_EQ(SSL_export_keying_material(&ssl, exported.data(), exported.size(),
                                         "EXPORTER-Channel-Binding", 24, nullptr, 0, 1),
              1);
    at.exporter.assign(exported.begin(), exported.end());
    at.finished_of_client.assign(octets.data(),
                                 SSL_get_peer_finished(&ssl, octets.data(), octets.size()));
    at.finished_of_server.assign(octets.data(),
                                 SSL_get_finished(&ssl, octets.data(), octets.size()));
    return at;
}

class ChannelBindingTest : public TlsTest {
  protected:
    void connect_with(int newest_version, int connections = 1) {
        context = test::server_context(certificates.make_for("pop.example"));
        SSL_CTX_set_max_proto_version(context.get(), newest_version);
        server = std::make_unique<test::TestServer>(
            [this](test::ServerEnd& end) {
                if (end.start_tls(*context)) {
                    at = at_server(end.ssl());
                    end.send("+OK\r\n");
                    static_cast<void>(end.read_to_end());
                    end.send_close_notify();
                }
            },
            connections);
    }

    void connect_once() {
        TlsSettings settings = settings_for("pop.example");
        settings.session_key = "alice";
        ASSERT_FALSE(connect_as(settings));
        run_until([this] { return recorder.received.ends_with("\r\n"); });
    }

    AtServer at;
};

TEST_F(ChannelBindingTest, Tls13IsBoundByTheExporter) {
    connect_with(TLS1_3_VERSION);
    connect_once();
    const ChannelBinding automatic = stream->channel_binding(BindingKind::automatic);
    const ChannelBinding unique = stream->channel_binding(BindingKind::unique);
    EXPECT_EQ(stream->channel_binding(BindingKind::exporter).octets, automatic.octets);
    stream.reset();
    server->join();
    EXPECT_EQ(automatic.name, "tls-exporter");
    EXPECT_EQ(automatic.octets, at.exporter);
    EXPECT_EQ(unique.octets, "") << "TLS 1.3 has no tls-unique";
}

TEST_F(ChannelBindingTest, Tls12IsBoundByTheFirstFinishedMessage) {
    connect_with(TLS1_2_VERSION, 2);
    connect_once();
    ChannelBinding automatic = stream->channel_binding(BindingKind::automatic);
    const ChannelBinding exporter = stream->channel_binding(BindingKind::exporter);
    stream.reset();
    recorder.received.clear();
    turn_some();
    EXPECT_EQ(automatic.name, "tls-unique");

    connect_once();
    ASSERT_TRUE(static_cast<SocketStream&>(*stream).is_resumed());
    const ChannelBinding first = automatic;
    automatic = stream->channel_binding(BindingKind::automatic);
    stream.reset();
    server->join();
    EXPECT_EQ(automatic.octets, at.finished_of_server) << "it comes first where a session goes on";
    EXPECT_NE(automatic.octets, first.octets);
    EXPECT_EQ(exporter.octets.size(), 32U);
}

TEST_F(ChannelBindingTest, Tls12IsBoundByTheClientsFinishedMessageInAFullHandshake) {
    connect_with(TLS1_2_VERSION);
    connect_once();
    const ChannelBinding unique = stream->channel_binding(BindingKind::unique);
    stream.reset();
    server->join();
    EXPECT_EQ(unique.octets, at.finished_of_client);
}

// RFC 7627: without the extended master secret two handshakes can be joined.
TEST_F(ChannelBindingTest, WithoutTheExtendedMasterSecretTheCertificateIsWhatIsLeft) {
    connect_with(TLS1_2_VERSION);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_EXTENDED_MASTER_SECRET);
    connect_once();
    EXPECT_EQ(stream->channel_binding(BindingKind::unique).octets, "");
    EXPECT_EQ(stream->channel_binding(BindingKind::exporter).octets, "");
    const ChannelBinding automatic = stream->channel_binding(BindingKind::automatic);
    EXPECT_EQ(automatic.name, "tls-server-end-point");
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    X509_digest(SSL_CTX_get0_certificate(context.get()), EVP_sha256(), digest.data(), &size);
    EXPECT_EQ(automatic.octets, std::string(digest.begin(), digest.begin() + size));
    stream.reset();
}

TEST_F(ChannelBindingTest, WithoutTlsThereIsNone) {
    test::TestServer plain([](test::ServerEnd& end) {
        end.send("+OK\r\n");
        static_cast<void>(end.read_to_end());
    });
    ASSERT_FALSE(connect_to(plain.port()));
    EXPECT_EQ(stream->channel_binding(BindingKind::automatic).octets, "");
    stream.reset();
}

}  // namespace
}  // namespace postrider::net
