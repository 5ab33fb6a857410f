#pragma once

#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "postrider/protocol/pop3/dialogue.h"

#include "pop3_script.h"

// A session of alice that has come to its login.
namespace postrider::pop3 {

inline constexpr const char* kCanary = "c4n4ry";
inline constexpr const char* kPlainResponse = "AGFsaWNlAGM0bjRyeQ==";  // NUL alice NUL c4n4ry

inline Settings settings_for(AuthMethod auth, std::string user = "alice",
                             std::string password = kCanary) {
    Settings settings;
    settings.encrypted = true;
    settings.auth = auth;
    settings.user = std::move(user);
    settings.password = Secret(std::move(password));
    return settings;
}

/// A session up to where the login begins; `capa` are the lines of CAPA, or "" for -ERR.
inline Script at_login(Settings settings, const std::string& capa) {
    Script script(std::move(settings));
    script.server("+OK\r\n");
    EXPECT_EQ(script.sent(), "CAPA\r\n");
    script.server(capa.empty() ? "-ERR what\r\n" : "+OK\r\n" + capa + ".\r\n");
    return script;
}

inline void expect_logged_in(Script& script) {
    EXPECT_EQ(script.sent(), "CAPA\r\n");
    script.server("+OK\r\n.\r\n");
    EXPECT_EQ(script.events(), "[in]");
}

}  // namespace postrider::pop3
