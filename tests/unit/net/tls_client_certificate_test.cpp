// Our own certificate, for servers that ask for one.
#include <fstream>

#include <gtest/gtest.h>

#include "unit/net/tls_test_base.h"

namespace postrider::net {
namespace {

class TlsClientCertificateTest : public TlsTest {
  protected:
    /// A server that wants a certificate of the test's authority, and says whose it got.
    void serve_asking() {
        context = test::server_context(certificates.make_for("pop.example"));
        SSL_CTX_load_verify_file(context.get(), certificates.ca_file().c_str());
        SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                           nullptr);
        server = std::make_unique<test::TestServer>([this](test::ServerEnd& end) {
            if (end.start_tls(*context)) {
                std::string name(64, '\0');
                const int size = X509_NAME_get_text_by_NID(
                    X509_get_subject_name(SSL_get0_peer_certificate(&end.ssl())), NID_commonName,
                    name.data(), static_cast<int>(name.size()));
                end.send("+OK " + name.substr(0, static_cast<std::size_t>(size)) + "\r\n");
                static_cast<void>(end.read_to_end());
            }
        });
    }

    [[nodiscard]] TlsSettings settings_of_alice() {
        test::TestCertificateSpec spec;
        spec.common_name = "alice";
        spec.extended_key_usage = "clientAuth";
        const test::TestCertificate own = certificates.make(spec);
        TlsSettings settings = settings_for("pop.example");
        settings.client_certificate = own.chain_file;
        settings.client_key = own.key_file;
        return settings;
    }

    /// What is said of settings that cannot be used, before a byte is sent.
    std::string fault_of(const TlsSettings& settings) {
        serve_asking();
        const auto error = connect_as(settings);
        EXPECT_TRUE(error);
        EXPECT_EQ(error->code, Errc::config);
        EXPECT_EQ(error->retry, Retry::never);
        return error->text;
    }
};

TEST_F(TlsClientCertificateTest, IsShownToAServerThatAsks) {
    serve_asking();
    ASSERT_FALSE(connect_as(settings_of_alice()));
    run_until([this] { return recorder.received.ends_with("\r\n"); });
    EXPECT_EQ(recorder.received, "+OK alice\r\n");
    stream.reset();
}

TEST_F(TlsClientCertificateTest, FilesThatCannotBeUsedAreNamed) {
    TlsSettings settings = settings_of_alice();
    settings.client_certificate += ".none";
    EXPECT_SAYS(fault_of(settings), "tls_client_certificate " + settings.client_certificate);
    settings = settings_of_alice();
    settings.client_key = certificates.ca_file();
    EXPECT_SAYS(fault_of(settings), "tls_client_key " + settings.client_key);
}

TEST_F(TlsClientCertificateTest, AKeyWithAPassphraseIsRefusedWithoutAsking) {
    TlsSettings settings = settings_of_alice();
    settings.client_key += ".locked";
    // openssl genpkey -algorithm ed25519 -aes128 -pass pass:secret
    std::ofstream(settings.client_key)
        << "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
           "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiUaZ/z5kfRegICCAAw\n"
           "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEEDQn8TLqC39K7bylp74PtQoEQLrk\n"
           "8x84KGP79agUpJ8bIRgU63RdSKRX3e0laYBzI5UMwYUrOD/zb2HdyXVwchtqrr31\n"
           "5CjI4TaLsQD0mc4diOw=\n"
           "-----END ENCRYPTED PRIVATE KEY-----\n";
    EXPECT_SAYS(fault_of(settings), "tls_client_key " + settings.client_key);
}

}  // namespace
}  // namespace postrider::net
