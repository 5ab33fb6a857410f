#include "support/test_certificates.h"

#include <cstdio>
#include <ctime>
#include <filesystem>
#include <utility>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>  // mkdtemp is POSIX

#include "postrider/base/assert.h"

#include "net/openssl_ptr.h"

namespace postrider::test {
namespace {

using net::FreeWith;
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using CertPtr = std::unique_ptr<X509, FreeWith<X509_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, FreeWith<X509_EXTENSION_free>>;
using FilePtr = std::unique_ptr<std::FILE, FreeWith<std::fclose>>;

KeyPtr make_key() {
    KeyPtr key(EVP_EC_gen("P-256"));
    POSTRIDER_ASSERT(key != nullptr);
    return key;
}

void add_extension(X509& certificate, X509& issuer, int what, const std::string& value) {
    X509V3_CTX context{};
    X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
    const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str()));
    POSTRIDER_ASSERT(extension != nullptr);
    X509_add_ext(&certificate, extension.get(), -1);
}

void set_name(X509& certificate, const std::string& common_name) {
    X509_NAME* name = X509_get_subject_name(&certificate);
    const void* bytes = common_name.data();
    X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                               static_cast<const unsigned char*>(bytes),
                               static_cast<int>(common_name.size()), -1, 0);
}

void set_time(ASN1_TIME* time, std::chrono::hours from_now) {
    ASN1_TIME_adj(time, std::time(nullptr), 0, std::chrono::seconds(from_now).count());
}

/// Without a signature yet.
CertPtr draft(const std::string& common_name, EVP_PKEY& key, long serial) {
    CertPtr certificate(X509_new());
    POSTRIDER_ASSERT(certificate != nullptr);
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
    set_name(*certificate, common_name);
    X509_set_pubkey(certificate.get(), &key);
    return certificate;
}

CertPtr make_authority(const std::string& common_name, EVP_PKEY& key, X509* issuer,
                       EVP_PKEY& issuer_key, long serial) {
    CertPtr certificate = draft(common_name, key, serial);
    set_time(X509_getm_notBefore(certificate.get()), std::chrono::hours(-24 * 365));
    set_time(X509_getm_notAfter(certificate.get()), std::chrono::hours(24 * 365));
    X509& signer = issuer == nullptr ? *certificate : *issuer;
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(&signer));
    add_extension(*certificate, signer, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(*certificate, signer, NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(*certificate, signer, NID_subject_key_identifier, "hash");
    POSTRIDER_ASSERT(X509_sign(certificate.get(), &issuer_key, EVP_sha256()) > 0);
    return certificate;
}

void write_certificates(const std::string& path, const std::vector<X509*>& certificates) {
    const FilePtr file(std::fopen(path.c_str(), "w"));
    POSTRIDER_ASSERT(file != nullptr);
    for (X509* certificate : certificates) {
        PEM_write_X509(file.get(), certificate);
    }
}

std::string alternative_names(const TestCertificateSpec& spec) {
    std::string names;
    for (const std::string& name : spec.dns_names) {
        names += (names.empty() ? "DNS:" : ",DNS:") + name;
    }
    for (const std::string& address : spec.ip_addresses) {
        names += (names.empty() ? "IP:" : ",IP:") + address;
    }
    return names;
}

}  // namespace

struct TestCertificates::Authorities {
    KeyPtr root_key = make_key();
    KeyPtr intermediate_key = make_key();
    KeyPtr unknown_key = make_key();
    KeyPtr leaf_key = make_key();
    CertPtr root = make_authority("Test Root", *root_key, nullptr, *root_key, 1);
    CertPtr intermediate =
        make_authority("Test Intermediate", *intermediate_key, root.get(), *root_key, 2);
    CertPtr unknown = make_authority("Unknown Root", *unknown_key, nullptr, *unknown_key, 3);

    /// Certificate and key that sign, for every issuer but `itself`.
    [[nodiscard]] std::pair<X509*, EVP_PKEY*> signer(TestIssuer issuer) const {
        switch (issuer) {
            case TestIssuer::root:
                return {root.get(), root_key.get()};
            case TestIssuer::intermediate:
            case TestIssuer::intermediate_unsent:
                return {intermediate.get(), intermediate_key.get()};
            case TestIssuer::unknown_root:
                return {unknown.get(), unknown_key.get()};
            case TestIssuer::itself:
                break;
        }
        return {nullptr, leaf_key.get()};
    }
};

TestCertificates::TestCertificates() : authorities_(std::make_unique<Authorities>()) {
    directory_ =
        (std::filesystem::temp_directory_path() / "postrider-certificates-XXXXXX").string();
    POSTRIDER_ASSERT(::mkdtemp(directory_.data()) != nullptr);
    ca_file_ = directory_ + "/ca.pem";
    write_certificates(ca_file_, {authorities_->root.get()});
    key_file_ = directory_ + "/key.pem";
    const FilePtr file(std::fopen(key_file_.c_str(), "w"));
    POSTRIDER_ASSERT(file != nullptr);
    PEM_write_PrivateKey(file.get(), authorities_->leaf_key.get(), nullptr, nullptr, 0, nullptr,
                         nullptr);
}

TestCertificates::~TestCertificates() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
}

TestCertificate TestCertificates::make(const TestCertificateSpec& spec) {
    ++made_;
    CertPtr leaf = draft(spec.common_name, *authorities_->leaf_key, 100 + made_);
    set_time(X509_getm_notBefore(leaf.get()), spec.begins);
    set_time(X509_getm_notAfter(leaf.get()), spec.ends);
    const auto [issuer, key] = authorities_->signer(spec.issuer);
    X509& signer = issuer == nullptr ? *leaf : *issuer;
    X509_set_issuer_name(leaf.get(), X509_get_subject_name(&signer));
    add_extension(*leaf, signer, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(*leaf, signer, NID_ext_key_usage, spec.extended_key_usage);
    if (const std::string names = alternative_names(spec); !names.empty()) {
        add_extension(*leaf, signer, NID_subject_alt_name, names);
    }
    POSTRIDER_ASSERT(X509_sign(leaf.get(), key, EVP_sha256()) > 0);

    std::vector<X509*> chain{leaf.get()};
    if (spec.issuer == TestIssuer::intermediate) {
        chain.push_back(issuer);
    }
    const std::string path = directory_ + "/" + std::to_string(made_) + ".pem";
    write_certificates(path, chain);
    return {path, key_file_};
}

TestCertificate TestCertificates::make_for(const std::string& dns_name) {
    TestCertificateSpec spec;
    spec.dns_names = {dns_name};
    return make(spec);
}

}  // namespace postrider::test
