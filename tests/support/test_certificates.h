#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace postrider::test {

/// Who signs a certificate, and what a server sends of the chain.
enum class TestIssuer {
    root,                 ///< the authority of ca_file()
    intermediate,         ///< an intermediate of it, sent along
    intermediate_unsent,  ///< the same, but the server forgets to send it
    itself,               ///< self-signed
    unknown_root,         ///< another authority, which nobody is told about
    no_authority,  ///< a good certificate of the root that may not sign any other, sent along
};

struct TestCertificateSpec {
    std::string common_name = "test server";
    std::vector<std::string> dns_names;  ///< of any octets
    std::vector<std::string> ip_addresses;
    TestIssuer issuer = TestIssuer::root;
    std::chrono::hours begins = std::chrono::hours(-24);  ///< from now
    std::chrono::hours ends = std::chrono::hours(24 * 30);
    std::string extended_key_usage = "serverAuth";
    int rsa_bits = 0;  ///< an RSA key of its own of so many bits, in place of the common EC key
};

/// PEM files of a server: its chain (own certificate first) and its key.
struct TestCertificate {
    std::string chain_file;
    std::string key_file;
};

/// An authority and certificates made at run time, in a directory of its own that goes away with
/// the object.
class TestCertificates {
  public:
    TestCertificates();
    TestCertificates(const TestCertificates&) = delete;
    TestCertificates& operator=(const TestCertificates&) = delete;
    ~TestCertificates();

    /// The root that clients are to trust.
    [[nodiscard]] const std::string& ca_file() const { return ca_file_; }

    [[nodiscard]] TestCertificate make(const TestCertificateSpec& spec);

    /// A good certificate for `dns_name`.
    [[nodiscard]] TestCertificate make_for(const std::string& dns_name);

  private:
    struct Authorities;

    std::string directory_;
    std::string ca_file_;
    std::string key_file_;
    int made_ = 0;
    std::unique_ptr<Authorities> authorities_;
};

}  // namespace postrider::test
