#include <array>
#include <optional>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "protocol/smtp/dot_stuffer.h"

namespace postrider::smtp {
namespace {

std::string stuffed(std::string_view content, std::size_t split = 0) {
    DotStuffer stuffer;
    std::string output;
    stuffer.append(content.substr(0, split), output);
    stuffer.append(content.substr(split), output);
    stuffer.finish(output);
    return output;
}

/// A server: lines end at `line_end`, the line "." ends the content, of others that begin with a
/// dot it is taken off. Nothing: the end was not where the bytes end.
std::optional<std::string> received(std::string_view bytes, std::string_view line_end) {
    std::string content;
    for (;;) {
        const std::size_t end = bytes.find(line_end);
        if (end == std::string_view::npos) return std::nullopt;
        std::string_view line = bytes.substr(0, end);
        bytes.remove_prefix(end + line_end.size());
        const bool is_end = line == "." || (line_end == "\n" && line == ".\r");
        if (is_end) return bytes.empty() ? std::optional(content) : std::nullopt;
        if (line.starts_with('.')) line.remove_prefix(1);
        content.append(line).append(line_end);
    }
}

std::string with_line_end(const std::string& content) {
    return content.empty() || content.ends_with("\r\n") ? content : content + "\r\n";
}

/// Calls `check` with every string of up to `length` of the `letters`.
template <std::size_t N, class Check>
void for_all(const std::array<std::string_view, N>& letters, std::size_t length, Check check,
             const std::string& begun = "") {
    check(begun);
    if (length == 0) return;
    for (const auto letter : letters) {
        for_all(letters, length - 1, check, begun + std::string(letter));
    }
}

TEST(SmtpDotStuffer, DoublesTheDotAtTheStartOfALine) {
    EXPECT_EQ(stuffed(".a\r\n..\r\n.\r\na.\r\n"), "..a\r\n...\r\n..\r\na.\r\n.\r\n");
}

TEST(SmtpDotStuffer, EmptyContentIsTheFinalDotAlone) {
    EXPECT_EQ(stuffed(""), ".\r\n");
}

TEST(SmtpDotStuffer, EndsAnUnfinishedLastLine) {
    EXPECT_EQ(stuffed("a"), "a\r\n.\r\n");
    EXPECT_EQ(stuffed("a\r"), "a\r\n.\r\n");
    EXPECT_EQ(stuffed("a\n"), "a\n\r\n.\r\n");
    EXPECT_EQ(stuffed("\n"), "\n\r\n.\r\n");
    EXPECT_EQ(stuffed("\r\n"), "\r\n.\r\n");
}

TEST(SmtpDotStuffer, CanonicalContentArrivesAsItWasAtEverySplit) {
    for_all(std::array<std::string_view, 3>{"\r\n", ".", "a"}, 6, [](const std::string& content) {
        const std::string whole = stuffed(content);
        ASSERT_EQ(received(whole, "\r\n"), with_line_end(content)) << content;
        ASSERT_EQ(received(whole, "\n"), with_line_end(content)) << content;
        for (std::size_t split = 1; split < content.size(); ++split) {
            ASSERT_EQ(stuffed(content, split), whole) << content << " at " << split;
        }
    });
}

TEST(SmtpDotStuffer, ArrivesAsItWasOctetByOctet) {
    const std::string content = ".\r\n..\r\n\r\n.a\r\n a.b\r\n.\r\n";
    DotStuffer stuffer;
    std::string output;
    for (const char c : content) stuffer.append({&c, 1}, output);
    stuffer.finish(output);
    EXPECT_EQ(received(output, "\r\n"), content);
}

TEST(SmtpDotStuffer, NoServerSeesAnEndBeforeTheEndWhateverTheContent) {
    for_all(std::array<std::string_view, 4>{"\r", "\n", ".", "a"}, 6,
            [](const std::string& content) {
                for (std::size_t split = 0; split < content.size(); ++split) {
                    const std::string output = stuffed(content, split);
                    ASSERT_TRUE(received(output, "\r\n")) << content << " at " << split;
                    ASSERT_TRUE(received(output, "\n")) << content << " at " << split;
                }
            });
}

}  // namespace
}  // namespace postrider::smtp
