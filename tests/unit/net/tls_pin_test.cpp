// Trust in a key, and how strict TLS is.
#include <gtest/gtest.h>
#include <openssl/pem.h>

#include "net/certificate_fault.h"
#include "unit/net/tls_test_base.h"

namespace postrider::net {
namespace {

constexpr const char* kOtherPin = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

class TlsPinTest : public TlsTest {
  protected:
    /// The pin that an error tells, ready to paste.
    static std::string pin_in(const std::string& text) {
        const std::string key = "tls_pin_sha256: ";
        const std::size_t at = text.rfind(key);
        EXPECT_NE(at, std::string::npos) << text;
        return at == std::string::npos ? "" : text.substr(at + key.size());
    }

    /// The whole of what is wrong, or "" if the connection was made.
    std::string fault_with(const test::TestCertificate& certificate, const TlsSettings& settings) {
        serve(certificate);
        const auto error = connect_as(settings);
        if (!error) {
            run_until([this] { return recorder.received.ends_with("\r\n"); });
        }
        stream.reset();
        server->join();
        return error ? error->text : "";
    }
};

// whatever is wrong with a certificate, its key can be trusted by what the error tells.
TEST_F(TlsPinTest, TheLineThatAnErrorTellsMakesTheConnection) {
    std::vector<test::TestCertificateSpec> specs(6);
    for (auto& spec : specs) {
        spec.dns_names = {"pop.example"};
    }
    specs[0].issuer = test::TestIssuer::itself;
    specs[1].issuer = test::TestIssuer::unknown_root;
    specs[2].ends = std::chrono::hours(-1);
    specs[3].dns_names = {"other.example"};
    specs[4].issuer = test::TestIssuer::intermediate_unsent;
    specs[5].issuer = test::TestIssuer::no_authority;
    for (const auto& spec : specs) {
        const auto certificate = certificates.make(spec);
        TlsSettings settings = settings_for("pop.example");
        const std::string fault = fault_with(certificate, settings);
        const std::string pin = pin_in(fault);
        EXPECT_EQ(pin.size(), 44U) << fault;
        settings.pins = {kOtherPin, pin};
        EXPECT_EQ(fault_with(certificate, settings), "");
    }
}

// a pin mismatch, even of a certificate that is good in all else.
TEST_F(TlsPinTest, AnotherKeyIsRefused) {
    TlsSettings settings = settings_for("pop.example");
    settings.pins = {kOtherPin};
    const std::string fault = fault_with(certificates.make_for("pop.example"), settings);
    EXPECT_SAYS(fault, "another key than those in tls_pin_sha256");
    EXPECT_SAYS(fault, "subject CN=test server, issuer CN=Test Root, valid from 20");
    settings.pins = {pin_in(fault)};
    EXPECT_EQ(fault_with(certificates.make_for("pop.example"), settings), "");
}

TEST_F(TlsPinTest, BothMustBeRightWhereBothAreAskedFor) {
    TlsSettings settings = settings_for("pop.example");
    const auto good = certificates.make_for("pop.example");
    settings.pins = {kOtherPin};
    settings.pins_and_authorities = true;
    const std::string fault = fault_with(good, settings);
    settings.pins = {pin_in(fault)};
    EXPECT_EQ(fault_with(good, settings), "");
    EXPECT_SAYS(fault_with(certificates.make_for("other.example"), settings),
                "not for pop.example");
    test::TestCertificateSpec alone;
    alone.dns_names = {"pop.example"};
    alone.issuer = test::TestIssuer::itself;
    EXPECT_SAYS(fault_with(certificates.make(alone), settings), "is self-signed");
}

TEST_F(TlsPinTest, ASessionMadeWithoutThePinDoesNotCountForIt) {
    serve(certificates.make_for("pop.example"), 2);
    TlsSettings alice = settings_for("pop.example");
    alice.session_key = "alice";
    visit(alice);
    alice.pins = {kOtherPin};
    EXPECT_TRUE(connect_as(alice));
}

TEST_F(TlsPinTest, ThePinIsThatOfTheOpensslTools) {
    // openssl x509 -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary |
    // base64
    constexpr std::string_view kPem =
        "-----BEGIN CERTIFICATE-----\n"
        "MIIBbDCCAROgAwIBAgIUVV59G1ZWPuT/T26L8hqOvooM2mAwCgYIKoZIzj0EAwIw\n"
        "DDEKMAgGA1UEAwwBeDAeFw0yNjExMjUxMTExNDZaFw0yNjExMjYxMTExNDZaMAwx\n"
        "CjAIBgNVBAMMAXgwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARd1pV/J4Wvlqgp\n"
        "/sKG4pdMGFYTEm9tZDFkWv8hOHx0IE9HaoiPazcJ4kvWLlvjTbhl4dqQO6idzYPh\n"
        "P05Aq2ico1MwUTAdBgNVHQ4EFgQUereNGfVfe62tAC9BVCb15BEMJhIwHwYDVR0j\n"
        "BBgwFoAUereNGfVfe62tAC9BVCb15BEMJhIwDwYDVR0TAQH/BAUwAwEB/zAKBggq\n"
        "hkjOPQQDAgNHADBEAiBLMqldRj6HapZZiV+ILfB44VHHkv0E5H8J2jBpBt3vagIg\n"
        "T0gZKEvfMqdh5/ZSjh0kRVGmdPhuHl5mhKCR+eklIVc=\n"
        "-----END CERTIFICATE-----\n";
    const BioPtr memory(BIO_new_mem_buf(kPem.data(), static_cast<int>(kPem.size())));
    const std::unique_ptr<X509, FreeWith<X509_free>> certificate(
        PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr));
    ASSERT_NE(certificate, nullptr);
    EXPECT_EQ(key_pin(*certificate), "YA01WHGP/D8D02bOBROcNyYOI208E/y1BQbsgC3D/zw=");
}

TEST_F(TlsPinTest, AnOlderTlsThanAskedForIsRefused) {
    serve(certificates.make_for("pop.example"), 2);
    SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
    TlsSettings settings = settings_for("pop.example");
    visit(settings);
    settings.min_version = TlsVersion::tls1_3;
    const auto error = connect_as(settings);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, Errc::tls);
    EXPECT_SAYS(error->text, "no TLS version from 1.3 on (tls_min_version)");
}

TEST_F(TlsPinTest, AnOldServerIsReachedAtALowerSecurityLevelOnly) {
    const auto serve_old = [this] {
        serve(certificates.make_for("pop.example"));
        SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
        SSL_CTX_set_max_proto_version(context.get(), TLS1_1_VERSION);
    };
    TlsSettings settings = settings_for("pop.example");
    serve_old();
    EXPECT_TRUE(connect_as(settings));
    settings.min_version = TlsVersion::tls1_0;
    settings.security_level = 0;
    serve_old();
    visit(settings);
    EXPECT_EQ(recorder.received, "+OK pop.example\r\n");
}

//
TEST_F(TlsPinTest, AWeakKeyIsRefusedUntilItsLevelIsAllowed) {
    test::TestCertificateSpec spec;
    spec.dns_names = {"pop.example"};
    spec.rsa_bits = 1024;
    const auto certificate = certificates.make(spec);
    TlsSettings settings = settings_for("pop.example");
    settings.security_level = 2;
    serve(certificate);
    const auto error = connect_as(settings);
    ASSERT_TRUE(error);
    EXPECT_SAYS(error->text, "tls_security_level: 1");
    settings.security_level = 1;
    serve(certificate);
    visit(settings);
    EXPECT_EQ(recorder.received, "+OK pop.example\r\n");
}

TEST_F(TlsPinTest, TheCiphersAreThoseThatAreNamed) {
    TlsSettings settings = settings_for("pop.example");
    settings.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:TLS_CHACHA20_POLY1305_SHA256";
    serve(certificates.make_for("pop.example"));
    ASSERT_FALSE(connect_as(settings));
    run_until([this] { return recorder.received.ends_with("\r\n"); });
    EXPECT_EQ(stream->peer().tls, "TLSv1.3 TLS_CHACHA20_POLY1305_SHA256");
    stream.reset();
    serve(certificates.make_for("pop.example"));
    SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
    ASSERT_FALSE(connect_as(settings));
    run_until([this] { return recorder.received.ends_with("\r\n"); });
    EXPECT_EQ(stream->peer().tls, "TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256");
    stream.reset();
    for (const char* const unknown : {"NO-SUCH-CIPHER", "TLS_NO_SUCH"}) {
        settings.ciphers = unknown;
        serve(certificates.make_for("pop.example"));
        const auto error = connect_as(settings);
        ASSERT_TRUE(error);
        EXPECT_EQ(error->code, Errc::config);
        EXPECT_SAYS(error->text, unknown);
    }
}

// a server without a certificate is no server, whatever ciphers were named.
TEST_F(TlsPinTest, NoCipherWithoutACertificateIsUsed) {
    TlsSettings settings = settings_for("pop.example");
    settings.ciphers = "aNULL:ALL:@SECLEVEL=0";
    settings.security_level = 0;
    serve(certificates.make_for("pop.example"));
    SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(context.get(), "aNULL:@SECLEVEL=0");
    SSL_CTX_set_dh_auto(context.get(), 1);
    const auto error = connect_as(settings);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, Errc::tls);
}

//
TEST_F(TlsPinTest, ANameWithANulDoesNotCount) {
    using namespace std::string_literals;
    test::TestCertificateSpec spec;
    spec.dns_names = {"pop.example\0.evil.example"s};
    const std::string text = refusal_of(spec);
    EXPECT_SAYS(text, "pop.example\\x00.evil.example");
}

// international names stand in their xn-- form, here and there.
TEST_F(TlsPinTest, AnInternationalNameCountsInItsAsciiForm) {
    test::TestCertificateSpec spec;
    spec.dns_names = {"xn--bcher-kva.example"};
    serve(certificates.make(spec));
    visit(settings_for("xn--bcher-kva.example"));
    spec.dns_names = {
        "b\xc3\xbc"
        "cher.example"};
    EXPECT_SAYS(refusal_of(spec, "xn--bcher-kva.example"), "not for xn--bcher-kva.example");
}

//
TEST_F(TlsPinTest, AnIssuerThatIsNoAuthorityDoesNotCount) {
    test::TestCertificateSpec spec;
    spec.dns_names = {"pop.example"};
    spec.issuer = test::TestIssuer::no_authority;
    EXPECT_SAYS(refusal_of(spec), "CN=No Authority");
}

//
TEST_F(TlsPinTest, AFaultTellsTheWholeCertificate) {
    test::TestCertificateSpec spec;
    spec.dns_names = {"other.example"};
    const std::string text = refusal_of(spec);
    EXPECT_SAYS(text, "the certificate is for other.example, not for pop.example");
    EXPECT_SAYS(text, "subject CN=test server, issuer CN=Test Root, valid from 20");
    EXPECT_SAYS(text, "trust its key by tls_pin_sha256: ");
}

}  // namespace
}  // namespace postrider::net
