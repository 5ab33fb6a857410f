#include "app/commands/exit_code.h"

#include <utility>

#include <gtest/gtest.h>

namespace postrider::app {
namespace {

ExitCode code_of(Errc code, Retry retry = Retry::later) {
    return exit_code_of(Error{code, retry, "text"});
}

TEST(ExitCode, HasTheNumbersOfSysexits) {
    EXPECT_EQ(static_cast<int>(ExitCode::ok), 0);
    EXPECT_EQ(static_cast<int>(ExitCode::usage), 64);
    EXPECT_EQ(static_cast<int>(ExitCode::temporary), 75);
    EXPECT_EQ(static_cast<int>(ExitCode::login_refused), 77);
    EXPECT_EQ(static_cast<int>(ExitCode::config), 78);
}

TEST(ExitCode, OfEveryError) {
    EXPECT_EQ(code_of(Errc::login_refused), ExitCode::login_refused);
    for (const Errc code : {Errc::config, Errc::unsupported, Errc::corrupt, Errc::doubt}) {
        EXPECT_EQ(code_of(code), ExitCode::config) << to_text(code);
    }
    for (const Errc code : {Errc::timed_out, Errc::closed, Errc::network, Errc::dns, Errc::tls,
                            Errc::protocol, Errc::limit, Errc::busy, Errc::io, Errc::locked}) {
        EXPECT_EQ(code_of(code), ExitCode::temporary) << to_text(code);
    }
}

TEST(ExitCode, ARefusalForGoodNeedsAPerson) {
    EXPECT_EQ(code_of(Errc::refused, Retry::never), ExitCode::config);
    EXPECT_EQ(code_of(Errc::refused, Retry::later), ExitCode::temporary);
}

TEST(ExitCode, OfAPoll) {
    engine::PollReport report;
    EXPECT_EQ(exit_code_of(report), ExitCode::ok);
    report.delivered = 3;
    report.held = 1;
    EXPECT_EQ(exit_code_of(report), ExitCode::ok);
    report.put_off = 1;
    EXPECT_EQ(exit_code_of(report), ExitCode::temporary);
    report.put_off = 0;
    report.fetch_refused = 1;
    EXPECT_EQ(exit_code_of(report), ExitCode::temporary);
    report.error = Error{Errc::login_refused, Retry::later, "no"};
    EXPECT_EQ(exit_code_of(report), ExitCode::login_refused);
}

TEST(ExitCode, TheMoreUrgentOneWins) {
    const std::pair<ExitCode, ExitCode> ordered[] = {
        {ExitCode::ok, ExitCode::temporary},
        {ExitCode::temporary, ExitCode::login_refused},
        {ExitCode::login_refused, ExitCode::config},
        {ExitCode::ok, ExitCode::config},
    };
    for (const auto& [less, more] : ordered) {
        EXPECT_EQ(worse(less, more), more);
        EXPECT_EQ(worse(more, less), more);
    }
}

}  // namespace
}  // namespace postrider::app
