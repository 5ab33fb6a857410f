#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "protocol/pop3/line_reader.h"

namespace postrider::pop3 {
namespace {

using Outcome = LineReader::Outcome;

/// The lines of `pieces`, and how it ended.
struct Read {
    std::vector<std::string> lines;
    Outcome last = Outcome::need_more;
    bool operator==(const Read&) const = default;
};

Read read_all(const std::vector<std::string_view>& pieces, std::size_t limit) {
    LineReader reader;
    Read read;
    for (std::string_view piece : pieces) {
        for (;;) {
            const auto result = reader.next(piece, limit);
            read.last = result.outcome;
            if (result.outcome == Outcome::need_more) {
                break;
            }
            if (result.outcome != Outcome::line) {
                return read;
            }
            read.lines.emplace_back(result.text);
        }
    }
    return read;
}

TEST(Pop3LineReader, CutsLinesAtEverySplitPoint) {
    const std::string_view text = "+OK one\r\n\r\na\rb\r\r\n+OK two\r\nrest";
    const Read whole{{"+OK one", "", "a\rb\r", "+OK two"}, Outcome::need_more};
    EXPECT_EQ(read_all({text}, 100), whole);
    for (std::size_t i = 0; i <= text.size(); ++i) {
        for (std::size_t j = i; j <= text.size(); ++j) {
            EXPECT_EQ(read_all({text.substr(0, i), text.substr(i, j - i), text.substr(j)}, 100),
                      whole)
                << i << ' ' << j;
        }
    }
}

TEST(Pop3LineReader, LeavesWhatStandsBehindTheLine) {
    LineReader reader;
    std::string_view input = "one\r\ntwo";
    EXPECT_EQ(reader.next(input, 10).text, "one");
    EXPECT_EQ(input, "two");
}

// P-003
TEST(Pop3LineReader, TakesALineOfJustTheLimitAndRefusesOneOctetMore) {
    const std::string just = std::string(10, 'x') + "\r\n";
    const std::string over = std::string(11, 'x') + "\r\n";
    for (std::size_t cut = 0; cut <= just.size(); ++cut) {
        const std::string_view text = just;
        const Read read = read_all({text.substr(0, cut), text.substr(cut)}, 10);
        EXPECT_EQ(read.lines, std::vector<std::string>{std::string(10, 'x')}) << cut;
    }
    for (std::size_t cut = 0; cut <= over.size(); ++cut) {
        const std::string_view text = over;
        const Read read = read_all({text.substr(0, cut), text.substr(cut)}, 10);
        EXPECT_EQ(read.last, Outcome::too_long) << cut;
        EXPECT_TRUE(read.lines.empty());
    }
}

// P-003: what has no end is given up without waiting for it.
TEST(Pop3LineReader, RefusesAnEndlessLineAsSoonAsTheLimitIsPassed) {
    EXPECT_EQ(read_all({std::string(11, 'x')}, 10).last, Outcome::too_long);
    EXPECT_EQ(read_all({std::string(10, 'x') + '\r'}, 10).last, Outcome::need_more);
    EXPECT_EQ(read_all({std::string(11, 'x') + '\r'}, 10).last, Outcome::too_long);
    EXPECT_EQ(read_all({std::string(10, 'x'), "\r", "\r"}, 10).last, Outcome::too_long);
}

// P-004
TEST(Pop3LineReader, TellsLinesThatEndInABareLf) {
    const std::string_view text = "+OK\r\n+OK one\n\n+OK two\r\n";
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        LineReader reader;
        std::string told;
        for (std::string_view piece : {text.substr(0, cut), text.substr(cut)}) {
            for (auto read = reader.next(piece, 100); read.outcome == Outcome::line;
                 read = reader.next(piece, 100)) {
                told += std::string(read.text) + (read.bare_lf ? "<LF>" : "<CRLF>");
            }
        }
        EXPECT_EQ(told, "+OK<CRLF>+OK one<LF><LF>+OK two<CRLF>") << cut;
    }
}

}  // namespace
}  // namespace postrider::pop3
