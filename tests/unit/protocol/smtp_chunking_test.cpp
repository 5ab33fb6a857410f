#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "smtp_session.h"

// RFC 3030 without BINARYMIME: content by BDAT.
namespace postrider::smtp {
namespace {

constexpr std::string_view kOffers = "250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n";

/// In the middle of a transaction's beginning.
class BegunSession : public Session {
  public:
    BegunSession(Settings settings, std::size_t recipients, std::string_view capabilities = kOffers)
        : Session(with_chunking(std::move(settings))) {
        hear("220 mx\r\n");
        say();
        transactions.push_back(transaction_to(recipients));
        hear(capabilities);
    }

  private:
    static Settings with_chunking(Settings settings) {
        settings.use_chunking = true;
        return settings;
    }
};

TEST(SmtpChunking, ContentIsSentAsItIsAndEndsWithAnEmptyLastChunk) {
    BegunSession session(smtp_settings(), 1);
    EXPECT_EQ(session.say(), "MAIL FROM:<s@a.example>\r\nRCPT TO:<r1@b.example>\r\n");
    EXPECT_EQ(session.hear("250 ok\r\n"), "");
    EXPECT_EQ(session.hear("250 ok\r\n"), "send content");
    // S-002: no dot-stuffing in BDAT.
    EXPECT_EQ(session.say(), "BDAT 20\r\nSubject: x\r\n\r\n.dot\r\nBDAT 0 LAST\r\n");
    EXPECT_EQ(session.hear("250 20 octets\r\n"), "");
    EXPECT_EQ(session.hear("250 queued\r\n"), "done: content 250\nready");
}

// S-004
TEST(SmtpChunking, IsNotUsedWhereItIsNotOffered) {
    for (const std::string_view offers : {"250-mx\r\n250 PIPELINING\r\n", "250 mx\r\n"}) {
        BegunSession session(smtp_settings(), 1, offers);
        EXPECT_TRUE(session.say().starts_with("MAIL"));
        session.hear("250 ok\r\n");
        if (offers.size() < 12) session.say();
        session.hear("250 ok\r\n");
        session.say();
        EXPECT_EQ(session.dialogue.phase(), Phase::data);
    }
}

TEST(SmtpChunking, LmtpAnswersOnceForEachRecipientAfterTheLastChunk) {
    BegunSession session(lmtp_settings(), 3);
    session.say();
    EXPECT_EQ(session.hear("250 ok\r\n250 ok\r\n550 no\r\n250 ok\r\n"), "send content");
    session.say();
    EXPECT_EQ(session.hear("250 chunk\r\n250 ok\r\n"), "");
    EXPECT_EQ(session.hear("452 full\r\n"), "done: content 250, rcpt 550, content 452\nready");
}

TEST(SmtpChunking, NobodyAcceptedMeansNoChunk) {
    BegunSession session(smtp_settings(), 1);
    session.say();
    EXPECT_EQ(session.hear("250 ok\r\n550 no\r\n"), "");
    EXPECT_EQ(session.say(), "RSET\r\n");
    EXPECT_EQ(session.hear("250 ok\r\n"), "done: rcpt 550\nready");
}

TEST(SmtpChunking, RefusedChunkEndsTheSessionAndNothingThatFollowsCounts) {
    BegunSession session(smtp_settings(), 1);
    session.say();
    session.hear("250 ok\r\n250 ok\r\n");
    session.say();
    EXPECT_EQ(session.hear("552 5.3.4 too much\r\n250 queued\r\n"), "done: content 552; unusable");
}

TEST(SmtpChunking, RefusalWhileChunksAreStillBeingSentIsTaken) {
    BegunSession session(smtp_settings(), 1);
    session.ends_content = false;
    session.say();
    EXPECT_EQ(session.hear("250 ok\r\n250 ok\r\n"), "send content");
    session.say();
    EXPECT_EQ(session.hear("451 4.3.0 later\r\n"), "done: content 451; unusable");
    EXPECT_EQ(session.say(), "");
}

TEST(SmtpChunking, EndBeforeTheAnswerToTheLastChunkIsInDoubtAndBeforeItIsNot) {
    BegunSession before(smtp_settings(), 1);
    before.ends_content = false;
    before.say();
    before.hear("250 ok\r\n250 ok\r\n");
    before.say();
    EXPECT_EQ(told(before.dialogue.abandoned()), "content unanswered");

    BegunSession behind(smtp_settings(), 1);
    behind.say();
    behind.hear("250 ok\r\n250 ok\r\n");
    behind.say();
    behind.hear("250 chunk\r\n");
    EXPECT_EQ(told(behind.dialogue.abandoned()), "content in doubt");
}

TEST(SmtpChunking, EachPieceIsAChunk) {
    BegunSession session(smtp_settings(), 1);
    session.content.clear();
    session.ends_content = false;
    session.say();
    session.hear("250 ok\r\n250 ok\r\n");
    session.dialogue.send_content("one\r\n");
    session.dialogue.send_content("");
    session.dialogue.send_content("two\r\n");
    session.dialogue.end_content();
    EXPECT_EQ(session.say(), "BDAT 5\r\none\r\nBDAT 5\r\ntwo\r\nBDAT 0 LAST\r\n");
    EXPECT_EQ(session.hear("250 a\r\n250 b\r\n250 c\r\n"), "done: content 250\nready");
}

}  // namespace
}  // namespace postrider::smtp
