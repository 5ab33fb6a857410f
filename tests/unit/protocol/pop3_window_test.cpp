#include <algorithm>
#include <cstddef>
#include <string>

#include <gtest/gtest.h>

#include "postrider/protocol/pop3/dialogue.h"

#include "protocol/pop3/window.h"

namespace postrider::pop3 {
namespace {

void push_retrs(Window& window, std::uint32_t count) {
    for (std::uint32_t i = 1; i <= count; ++i) {
        window.push({Verb::retr, i});
    }
}

/// How many lines went out.
std::ptrdiff_t filled(Window& window) {
    std::string output;
    window.fill(output);
    return std::count(output.begin(), output.end(), '\n');
}

TEST(Pop3Window, WritesEachCommand) {
    EXPECT_EQ(to_text({Verb::uidl, 0}), "UIDL");
    EXPECT_EQ(to_text({Verb::list, 0}), "LIST");
    EXPECT_EQ(to_text({Verb::retr, 7}), "RETR 7");
    EXPECT_EQ(to_text({Verb::dele, 4294967295}), "DELE 4294967295");
    EXPECT_EQ(to_text({Verb::noop, 0}), "NOOP");
}

// P-022
TEST(Pop3Window, SendsOneAtATimeWithoutPipelining) {
    Window window;
    push_retrs(window, 3);
    std::string output;
    window.fill(output);
    window.fill(output);
    EXPECT_EQ(output, "RETR 1\r\n");
    EXPECT_EQ(window.in_flight(), 1U);
    EXPECT_EQ(window.outstanding(), 3U);
    window.pop();
    window.fill(output);
    EXPECT_EQ(output, "RETR 1\r\nRETR 2\r\n");
    EXPECT_EQ(window.front().number, 2U);
}

// P-022
TEST(Pop3Window, FillsToTheFullMarkAndAgainFromTheLowMark) {
    Window window;
    window.allow_pipelining();
    push_retrs(window, 1000);
    EXPECT_EQ(filled(window), kWindowFull);
    while (window.in_flight() > kWindowLow + 1) {
        window.pop();
        EXPECT_EQ(filled(window), window.in_flight() > kWindowLow ? 0 : kWindowFull - kWindowLow);
    }
    EXPECT_EQ(window.in_flight(), kWindowLow + 1);
    window.pop();
    EXPECT_EQ(filled(window), kWindowFull - kWindowLow);
    EXPECT_EQ(window.in_flight(), kWindowFull);
}

TEST(Pop3Window, SendsAtOnceWhatComesBeforeItWasFull) {
    Window window;
    window.allow_pipelining();
    push_retrs(window, 50);
    EXPECT_EQ(filled(window), 50);
    window.push({Verb::dele, 1});
    EXPECT_EQ(filled(window), 1);
}

}  // namespace
}  // namespace postrider::pop3
