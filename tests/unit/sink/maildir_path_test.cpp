#include "sink/maildir_path.h"

#include <gtest/gtest.h>

#include "postrider/mail/places.h"

namespace postrider::sink {
namespace {

std::string path(std::string_view pattern, std::string_view recipient) {
    return maildir_path(Pattern::parse(pattern, mail::delivery_places()).value(), "alice-isp",
                        mail::Address::parse(recipient).value());
}

TEST(MaildirPath, FillsInWhoseMailItIs) {
    EXPECT_EQ(path("/srv/{account}/{user}@{domain}", "Bob@Example.org"),
              "/srv/alice-isp/Bob@example.org");
    EXPECT_EQ(path("/srv/{recipient}", "bob+x@example.org"), "/srv/bob+x@example.org");
}

// an address must not lead out of its directory.
TEST(MaildirPath, WhatAFileNameCannotHoldIsWrittenInHexadecimal) {
    EXPECT_EQ(path("/srv/{user}/m", "\"../../etc\"@example.org"), "/srv/\"..%2F..%2Fetc\"/m");
    EXPECT_EQ(path("/srv/{user}/m", "a/b@example.org"), "/srv/a%2Fb/m");
    EXPECT_EQ(path("/srv/{user}/m", "a%2Fb@example.org"), "/srv/a%252Fb/m");
    EXPECT_EQ(path("/srv/{user}/m", "\"a b\"@example.org"), "/srv/\"a%20b\"/m");
    EXPECT_EQ(path("/srv/{domain}/m", "bob"), "/srv/%/m");
    EXPECT_EQ(path("/srv/{user}", "j\xC3\xB6rg@example.org"), "/srv/j\xC3\xB6rg");
}

TEST(MaildirPath, KnowsWhatIsCommonToAll) {
    const auto parent = [](std::string_view pattern) {
        return common_parent(Pattern::parse(pattern, mail::delivery_places()).value());
    };
    EXPECT_EQ(parent("/srv/mail/{account}"), "/srv/mail/");
    EXPECT_EQ(parent("/srv/mail/x{account}/y"), "/srv/mail/");
    EXPECT_EQ(parent("/{account}"), "/");
}

}  // namespace
}  // namespace postrider::sink
