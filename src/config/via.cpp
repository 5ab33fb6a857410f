#include "config/via.h"

#include <array>
#include <string>

#include <arpa/inet.h>

#include "postrider/base/text.h"

#include "config/fields.h"
#include "config/password.h"
#include "config/scalars.h"

namespace postrider::config {

namespace {

constexpr std::size_t kMostOctets = 255;  ///< of user and password (RFC 1929 section 2)
constexpr std::uint16_t kSocksPort = 1080;
constexpr std::uint16_t kHttpPort = 8080;

constexpr std::array<Choice<ProxyType>, 2> kTypeChoices = {{
    {"socks5", ProxyType::socks5},
    {"http", ProxyType::http},
}};

constexpr std::array<Choice<IpVersion>, 5> kIpVersionChoices = {{
    {"any", IpVersion::any},
    {"4", IpVersion::only_4},
    {"6", IpVersion::only_6},
    {"prefer_4", IpVersion::prefer_4},
    {"prefer_6", IpVersion::prefer_6},
}};

void read_type(Reader& reader, const Value& value, ProxyConfig& into) {
    read_choice(reader, value, kTypeChoices, into.type);
}

void read_proxy_user(Reader& reader, const Value& value, ProxyConfig& into) {
    reader.text(value, into.user);
    if (into.user.size() > kMostOctets) {
        reader.report(value, "is longer than 255 octets");
    }
}

void read_proxy_password(Reader& reader, const Value& value, ProxyConfig& into) {
    read_password(reader, value, into);
}

constexpr std::array<Key<ProxyConfig>, 5> kKeys = {{
    {"type", read_type},
    {"host", read_host<&ProxyConfig::host>},
    {"port", read_number<&ProxyConfig::port, 1, 65535>},
    {"user", read_proxy_user},
    {"password", read_proxy_password},
}};

}  // namespace

Keys<ProxyConfig> proxy_keys() {
    return kKeys;
}

void read_proxy(Reader& reader, const Value& value, AccountConfig& into) {
    if (value.kind == Value::Kind::scalar && value.text.reveal() == "none") {
        into.proxy.reset();
        return;
    }
    ProxyConfig proxy;
    read_section(reader, value, proxy_keys(), proxy);
    if (value.kind == Value::Kind::map) {
        for (const char* const required : {"type", "host"}) {
            if (value.find(required) == nullptr) {
                reader.report(value, std::string("needs ") + required);
            }
        }
        if ((value.find("user") == nullptr) != (value.find("password") == nullptr)) {
            reader.report(value, "needs user and password, or neither");
        }
        if (proxy.type == ProxyType::http && proxy.user.find(':') != std::string::npos) {
            reader.report(value, "a user with a colon cannot log in to a proxy of type http");
        }
    }
    if (proxy.port == 0) {
        proxy.port = proxy.type == ProxyType::http ? kHttpPort : kSocksPort;
    }
    into.proxy = std::move(proxy);
}

void read_source_address(Reader& reader, const Value& value, AccountConfig& into) {
    std::string text;
    reader.text(value, text);
    in6_addr address{};
    if (::inet_pton(AF_INET, text.c_str(), &address) == 1 ||
        ::inet_pton(AF_INET6, text.c_str(), &address) == 1) {
        into.source_address = text;
    } else if (!text.empty()) {
        reader.report(value, "'" + escaped(text, 64) + "' is no IP address");
    }
}

void read_ip_version(Reader& reader, const Value& value, AccountConfig& into) {
    read_choice(reader, value, kIpVersionChoices, into.ip_version);
}

}  // namespace postrider::config
