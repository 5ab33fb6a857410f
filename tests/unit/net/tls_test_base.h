#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "net/socket_stream.h"
#include "unit/net/net_test_base.h"

namespace postrider::net {

/// Clients of TLS servers whose certificates are made for the test.
class TlsTest : public NetTest {
  protected:
    /// A server that answers one line over TLS with "+OK name", and closes in order.
    void serve(const test::TestCertificate& certificate, int connections = 1) {
        context = test::server_context(certificate);
        server = std::make_unique<test::TestServer>(
            [this](test::ServerEnd& end) {
                if (end.start_tls(*context)) {
                    end.send("+OK " + end.server_name() + "\r\n");
                    resumed = end.is_resumed();
                    static_cast<void>(end.read_to_end());
                    end.send_close_notify();
                }
            },
            connections);
    }

    TlsSettings settings_for(const std::string& name) { return {name, certificates.ca_file(), ""}; }

    std::optional<Error> connect_as(const TlsSettings& settings) {
        return connect_to(server->port(), settings);
    }

    /// Connects expecting a refusal of the certificate, and returns its text.
    std::string refusal_of(const test::TestCertificateSpec& spec,
                           const std::string& name = "pop.example") {
        serve(certificates.make(spec));
        const auto error = connect_as(settings_for(name));
        server->join();
        if (!error) {
            ADD_FAILURE() << "the certificate was accepted";
            return "";
        }
        EXPECT_EQ(error->code, Errc::tls);
        EXPECT_EQ(error->retry, Retry::never);
        return error->text;
    }

    /// Connects, takes the greeting and closes.
    void visit(const TlsSettings& settings) {
        const auto error = connect_as(settings);
        ASSERT_FALSE(error) << error->text;
        run_until([this] { return recorder.received.ends_with("\r\n"); });
        was_resumed = static_cast<SocketStream&>(*stream).is_resumed();
        stream.reset();
    }

    test::TestCertificates certificates;
    SslCtxPtr context;
    std::atomic<bool> resumed = false;  ///< as the server saw it
    bool was_resumed = false;           ///< as the client saw it
    std::unique_ptr<test::TestServer> server;
};

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

}  // namespace postrider::net
