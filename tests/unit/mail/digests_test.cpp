#include "postrider/mail/digests.h"

#include <span>

#include <gtest/gtest.h>

#include "postrider/base/text.h"

namespace postrider::mail {
namespace {

std::string hex(const std::string& octets) {
    return to_hex({reinterpret_cast<const std::uint8_t*>(octets.data()), octets.size()});
}

TEST(Digests, HmacIsThatOfTheRfcs) {
    // RFC 2202 section 3 and RFC 4231 section 4.3: test case 2.
    EXPECT_EQ(hex(hmac(Hash::sha1, "Jefe", "what do ya want for nothing?")),
              "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    EXPECT_EQ(hex(hmac(Hash::sha256, "Jefe", "what do ya want for nothing?")),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Digests, Md5IsThatOfTheRfc) {
    // RFC 1321 appendix A.5.
    EXPECT_EQ(md5_hex(""), "d41d8cd98f00b204e9800998ecf8427e");
    EXPECT_EQ(md5_hex("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
}

}  // namespace
}  // namespace postrider::mail
