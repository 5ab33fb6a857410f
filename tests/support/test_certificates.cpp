#include "support/test_certificates.h"

#include <cstdio>
#include <ctime>
#include <filesystem>
#include <string_view>
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
using OctetsPtr = std::unique_ptr<ASN1_OCTET_STRING, FreeWith<ASN1_OCTET_STRING_free>>;
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
                       EVP_PKEY& issuer_key, long serial, bool may_sign = true) {
    CertPtr certificate = draft(common_name, key, serial);
    set_time(X509_getm_notBefore(certificate.get()), std::chrono::hours(-24 * 365));
    set_time(X509_getm_notAfter(certificate.get()), std::chrono::hours(24 * 365));
    X509& signer = issuer == nullptr ? *certificate : *issuer;
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(&signer));
    add_extension(*certificate, signer, NID_basic_constraints,
                  may_sign ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (may_sign) {
        add_extension(*certificate, signer, NID_key_usage, "critical,keyCertSign,cRLSign");
    }
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

/// Of octets, which may be any.
GENERAL_NAME* general_name(int kind, const std::string& octets) {
    GENERAL_NAME* const name = GENERAL_NAME_new();
    ASN1_STRING* const value = kind == GEN_DNS ? ASN1_IA5STRING_new() : ASN1_OCTET_STRING_new();
    ASN1_STRING_set(value, octets.data(), static_cast<int>(octets.size()));
    GENERAL_NAME_set0_value(name, kind, value);
    return name;
}

void add_alternative_names(X509& certificate, const TestCertificateSpec& spec) {
    const net::GeneralNamesPtr names(GENERAL_NAMES_new());
    for (const std::string& name : spec.dns_names) {
        sk_GENERAL_NAME_push(names.get(), general_name(GEN_DNS, name));
    }
    for (const std::string& address : spec.ip_addresses) {
        const OctetsPtr octets(a2i_IPADDRESS(address.c_str()));
        const std::string_view bytes(
            reinterpret_cast<const char*>(ASN1_STRING_get0_data(octets.get())),
            static_cast<std::size_t>(ASN1_STRING_length(octets.get())));
        sk_GENERAL_NAME_push(names.get(), general_name(GEN_IPADD, std::string(bytes)));
    }
    if (sk_GENERAL_NAME_num(names.get()) > 0) {
        X509_add1_ext_i2d(&certificate, NID_subject_alt_name, names.get(), 0, 0);
    }
}

void write_key(const std::string& path, EVP_PKEY& key) {
    const FilePtr file(std::fopen(path.c_str(), "w"));
    POSTRIDER_ASSERT(file != nullptr);
    PEM_write_PrivateKey(file.get(), &key, nullptr, nullptr, 0, nullptr, nullptr);
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
    CertPtr no_authority =
        make_authority("No Authority", *intermediate_key, root.get(), *root_key, 4, false);
    CertPtr unknown = make_authority("Unknown Root", *unknown_key, nullptr, *unknown_key, 3);

    /// Certificate and key that sign, for every issuer but `itself`.
    [[nodiscard]] std::pair<X509*, EVP_PKEY*> signer(TestIssuer issuer) const {
        switch (issuer) {
            case TestIssuer::root:
                return {root.get(), root_key.get()};
            case TestIssuer::intermediate:
            case TestIssuer::intermediate_unsent:
                return {intermediate.get(), intermediate_key.get()};
            case TestIssuer::no_authority:
                return {no_authority.get(), intermediate_key.get()};
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
    write_key(key_file_, *authorities_->leaf_key);
}

TestCertificates::~TestCertificates() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
}

TestCertificate TestCertificates::make(const TestCertificateSpec& spec) {
    ++made_;
    const std::string path = directory_ + "/" + std::to_string(made_) + ".pem";
    const KeyPtr own_key(spec.rsa_bits > 0 ? EVP_RSA_gen(static_cast<unsigned int>(spec.rsa_bits))
                                           : nullptr);
    if (own_key != nullptr) {
        write_key(path + ".key", *own_key);
    }
    EVP_PKEY& leaf_key = own_key != nullptr ? *own_key : *authorities_->leaf_key;
    CertPtr leaf = draft(spec.common_name, leaf_key, 100 + made_);
    set_time(X509_getm_notBefore(leaf.get()), spec.begins);
    set_time(X509_getm_notAfter(leaf.get()), spec.ends);
    const auto [issuer, key] = authorities_->signer(spec.issuer);
    X509& signer = issuer == nullptr ? *leaf : *issuer;
    X509_set_issuer_name(leaf.get(), X509_get_subject_name(&signer));
    add_extension(*leaf, signer, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(*leaf, signer, NID_ext_key_usage, spec.extended_key_usage);
    add_alternative_names(*leaf, spec);
    POSTRIDER_ASSERT(X509_sign(leaf.get(), key, EVP_sha256()) > 0);

    std::vector<X509*> chain{leaf.get()};
    if (spec.issuer == TestIssuer::intermediate || spec.issuer == TestIssuer::no_authority) {
        chain.push_back(issuer);
    }
    write_certificates(path, chain);
    return {path, own_key != nullptr ? path + ".key" : key_file_};
}

TestCertificate TestCertificates::make_for(const std::string& dns_name) {
    TestCertificateSpec spec;
    spec.dns_names = {dns_name};
    return make(spec);
}

}  // namespace postrider::test
