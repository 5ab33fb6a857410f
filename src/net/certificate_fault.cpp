#include "net/certificate_fault.h"

#include <array>
#include <chrono>
#include <ctime>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/asn1.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "postrider/base/text.h"
#include "postrider/base/time.h"

#include "net/openssl_ptr.h"

namespace postrider::net {
namespace {

/// A certificate may be for hundreds of names; an error line shows so many.
constexpr std::size_t kNamesShown = 5;

std::string name_text(const X509_NAME* name) {
    const BioPtr memory(BIO_new(BIO_s_mem()));
    if (memory == nullptr || name == nullptr) {
        return "?";
    }
    X509_NAME_print_ex(memory.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    std::string text(BIO_ctrl_pending(memory.get()), '\0');
    std::size_t count = 0;
    BIO_read_ex(memory.get(), text.data(), text.size(), &count);
    text.resize(count);
    return text.empty() ? "(no name)" : escaped(text);
}

std::string date_text(const ASN1_TIME* time) {
    std::tm broken_down{};
    if (ASN1_TIME_to_tm(time, &broken_down) != 1) {
        return "an unreadable date";
    }
    const auto seconds = std::chrono::seconds(::timegm(&broken_down));
    return iso8601(WallTime(seconds));
}

std::string_view bytes_of(const ASN1_STRING* string) {
    const void* data = ASN1_STRING_get0_data(string);
    return {static_cast<const char*>(data), static_cast<std::size_t>(ASN1_STRING_length(string))};
}

std::string ip_text(std::string_view bytes) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
    if (bytes.size() != 4 && bytes.size() != 16) {
        return "?";
    }
    ::inet_ntop(family, bytes.data(), text.data(), text.size());
    return text.data();
}

/// The host names and addresses of the Subject Alternative Name extension.
std::vector<std::string> certified_names(const X509* certificate) {
    std::vector<std::string> names;
    const GeneralNamesPtr list(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    const int count = list == nullptr ? 0 : sk_GENERAL_NAME_num(list.get());
    for (int i = 0; i < count; ++i) {
        int type = 0;
        const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(list.get(), i), &type);
        if (type == GEN_DNS) {
            names.push_back(escaped(bytes_of(static_cast<const ASN1_STRING*>(value))));
        } else if (type == GEN_IPADD) {
            names.push_back(ip_text(bytes_of(static_cast<const ASN1_STRING*>(value))));
        }
    }
    return names;
}

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (std::size_t i = 0; i < names.size() && i < kNamesShown; ++i) {
        text += (i == 0 ? "" : ", ") + names[i];
    }
    if (names.size() > kNamesShown) {
        text += " and " + counted(names.size() - kNamesShown, "more name");
    }
    return text;
}

std::string wrong_host(const X509* leaf, const TlsSettings& settings) {
    const std::vector<std::string> names = certified_names(leaf);
    const std::string wanted = escaped(settings.server_name);
    if (names.empty()) {
        return "the certificate has no Subject Alternative Name for " + wanted +
               " (its subject is " + name_text(X509_get_subject_name(leaf)) +
               ", but the Common Name does not count, RFC 9525): the server needs a certificate "
               "with one";
    }
    return "the certificate is for " + joined(names) + ", not for " + wanted +
           ": configure the host name that it is for, if that is the server you mean";
}

std::string whose(X509_STORE_CTX& context, const X509* certificate) {
    const bool is_leaf = X509_STORE_CTX_get_error_depth(&context) == 0;
    return std::string(is_leaf ? "the certificate " : "the issuing certificate ") +
           name_text(X509_get_subject_name(certificate));
}

std::string where_to_trust(const TlsSettings& settings) {
    if (settings.ca_file.empty()) {
        return "name its authority's certificate in tls_ca_file";
    }
    return "put its authority's certificate into " + escaped(settings.ca_file);
}

std::string unknown_issuer(X509_STORE_CTX& context, const X509* current,
                           const TlsSettings& settings) {
    std::string text = whose(context, current) + " was issued by " +
                       name_text(X509_get_issuer_name(current)) + ", which is not trusted here";
    const STACK_OF(X509)* sent = X509_STORE_CTX_get0_untrusted(&context);
    if (sent == nullptr || sk_X509_num(sent) <= 1) {
        text +=
            ": the server sends no intermediate certificate (if one is missing, its "
            "administrator must add it); otherwise ";
    } else {
        text += ": ";
    }
    return text + where_to_trust(settings);
}

/// Everything a person needs to tell whether it is the right one.
std::string identity_of(const X509& leaf) {
    return fmt::format("the server's certificate: subject {}, issuer {}, valid from {} to {}",
                       name_text(X509_get_subject_name(&leaf)),
                       name_text(X509_get_issuer_name(&leaf)),
                       date_text(X509_get0_notBefore(&leaf)), date_text(X509_get0_notAfter(&leaf)));
}

/// What is wrong with the chain, in words.
std::string chain_fault(X509_STORE_CTX& context, const X509* leaf, const X509* current,
                        const TlsSettings& settings) {
    const int fault = X509_STORE_CTX_get_error(&context);
    switch (fault) {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return whose(context, current) + " has expired on " +
                   date_text(X509_get0_notAfter(current)) + ": the server needs a new one";
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return whose(context, current) + " is not valid before " +
                   date_text(X509_get0_notBefore(current)) +
                   ": is the clock of this machine right?";
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return wrong_host(leaf, settings);
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
            return whose(context, current) +
                   " is self-signed, nobody vouches for it: if it is the right one, name a copy "
                   "of it in tls_ca_file";
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
            return "the certificate " + name_text(X509_get_subject_name(leaf)) +
                   " leads to the authority " + name_text(X509_get_subject_name(current)) +
                   ", which is not trusted here: " + where_to_trust(settings);
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            return unknown_issuer(context, current, settings);
        case X509_V_ERR_EE_KEY_TOO_SMALL:
        case X509_V_ERR_CA_KEY_TOO_SMALL:
        case X509_V_ERR_CA_MD_TOO_WEAK:
            return whose(context, current) + ": " + X509_verify_cert_error_string(fault) +
                   ": the server needs a stronger one (until then tls_security_level: 1 or 0 lets "
                   "it pass)";
        default:  // an int of OpenSSL, not an enum of ours: what is not named above it names itself
            return whose(context, current) + ": " + X509_verify_cert_error_string(fault);
    }
}

}  // namespace

std::string explain_certificate_fault(X509_STORE_CTX& context, const TlsSettings& settings) {
    const X509* current = X509_STORE_CTX_get_current_cert(&context);
    const X509* leaf = X509_STORE_CTX_get0_cert(&context);
    if (current == nullptr || leaf == nullptr) {
        return X509_verify_cert_error_string(X509_STORE_CTX_get_error(&context));
    }
    return fmt::format(
        "{} ({}); if it is the right server all the same, trust its key by "
        "tls_pin_sha256: {}",
        chain_fault(context, leaf, current, settings), identity_of(*leaf), key_pin(*leaf));
}

std::string explain_other_key(const X509& leaf) {
    return fmt::format(
        "the server has another key than those in tls_pin_sha256 ({}); if it is the "
        "right server with a new key, trust it by tls_pin_sha256: {}",
        identity_of(leaf), key_pin(leaf));
}

std::string key_pin(const X509& certificate) {
    unsigned char* encoded = nullptr;
    const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(&certificate), &encoded);
    std::array<unsigned char, 32> digest{};
    std::array<unsigned char, 45> text{};
    if (size > 0) {
        EVP_Digest(encoded, static_cast<std::size_t>(size), digest.data(), nullptr, EVP_sha256(),
                   nullptr);
        EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(digest.size()));
        OPENSSL_free(encoded);
    }
    return {text.begin(), text.end() - 1};
}

}  // namespace postrider::net
